"""The Hugging Face Hub: one question, one download, and words for every way it can fail.

The Hub is asked once, with a short time limit, before anything is fetched, so that a machine without
a network answers in a moment; the library's own downloads retry for half a minute each.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from migaki.errors import ModelError

__all__ = ["fetch"]

logger = logging.getLogger(__name__)

_HUB_TIMEOUT_S = 10.0
_SMALL_FILES = ["*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken"]
_HUB_SKIP = ["original/*", "consolidated*", "onnx/*", "openvino/*", "*/checkpoint-*/*"]


def fetch(repo_id: str, *, revision: str | None, python_files: bool, weights: bool = True) -> Path:
    """Return a local folder with the files of a Hub repository.

    Args:
        repo_id: Such as ``Qwen/Qwen2.5-0.5B-Instruct``.
        revision: Branch, tag or commit.
        python_files: Also fetch the Python code that comes with it.
        weights: Also fetch the weights, which are all but the whole of it.

    Raises:
        ModelError: It is not there, not ours to have, has no safetensors, or is out of reach.
    """
    from huggingface_hub import snapshot_download

    wanted: dict[str, Any] = {
        "revision": revision,
        "allow_patterns": [
            *_SMALL_FILES,
            *(["*.safetensors"] if weights else []),
            *(["*.py"] if python_files else []),
        ],
        "ignore_patterns": _HUB_SKIP,
    }
    unreachable = _ask_hub(repo_id, revision)
    if unreachable is not None:
        return _from_cache(repo_id, wanted, unreachable)
    logger.info("fetching %s from the Hugging Face Hub (or its cache)", repo_id)
    try:
        return Path(snapshot_download(repo_id, **wanted))
    except Exception as err:
        raise _hub_refusal(repo_id, revision, err) or ModelError(
            f"The download of '{repo_id}' stopped: {_first_line(err)}.",
            hint="Start again; what was downloaded is kept and continued.",
        ) from err


def _ask_hub(repo_id: str, revision: str | None) -> Exception | None:
    """Ask once whether the repository can be used.

    Returns:
        Nothing, or why the Hub could not be asked.

    Raises:
        ModelError: The Hub says no.
    """
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(repo_id, revision=revision, timeout=_HUB_TIMEOUT_S)
    except Exception as err:  # transport errors of the HTTP client have no stable public base
        refusal = _hub_refusal(repo_id, revision, err)
        if refusal is not None:
            raise refusal from err
        return err
    names = [sibling.rfilename for sibling in info.siblings or []]
    if names and not any(name.endswith(".safetensors") for name in names):
        raise ModelError(
            f"The Hub repository '{repo_id}' has no safetensors files; migaki reads no pickles.",
            hint="Look for a converted revision of it, or convert it and give the local folder.",
        )
    return None


def _hub_refusal(repo_id: str, revision: str | None, err: Exception) -> ModelError | None:
    """Turn an answer of the Hub into words; nothing if it did not answer."""
    from huggingface_hub import errors as hub

    if isinstance(err, hub.GatedRepoError):
        return ModelError(
            f"The model '{repo_id}' is gated: its owner gives access on request.",
            hint=f"Accept its terms at https://huggingface.co/{repo_id}, then log in with: "
            "hf auth login",
        )
    if isinstance(err, hub.RepositoryNotFoundError):
        return ModelError(
            f"There is no model '{repo_id}' on the Hugging Face Hub (or it is private), "
            "and no folder of that name here.",
            hint="Check the spelling (`migaki models` lists known ones), or log in with: "
            "hf auth login",
        )
    if isinstance(err, hub.RevisionNotFoundError):
        return ModelError(
            f"The model '{repo_id}' has no revision '{revision}'.",
            hint=f"See https://huggingface.co/{repo_id}/tree/main, or leave the revision out.",
        )
    if isinstance(err, hub.HFValidationError):
        return ModelError(
            f"'{repo_id}' is neither a folder nor a valid Hub id: {_first_line(err)}.",
            hint="Give a folder, a Hub id, or 'migaki-tiny' for the embedded model.",
        )
    return None


def _from_cache(repo_id: str, wanted: dict[str, Any], reason: Exception) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(repo_id, local_files_only=True, **wanted)
    except (OSError, ValueError) as err:
        raise ModelError(
            f"'{repo_id}' is not a folder here, not in the local cache, and {_why_no_hub(reason)}.",
            hint="Give a local model folder, download it where there is a network (hf download "
            f"{repo_id}), or use the embedded model: migaki-tiny.",
        ) from err
    logger.info("%s: taken from the local cache, because %s", repo_id, _why_no_hub(reason))
    return Path(folder)


def _why_no_hub(err: Exception) -> str:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(err, OfflineModeIsEnabled):
        return "the Hub is switched off (HF_HUB_OFFLINE=1)"
    return f"the Hugging Face Hub cannot be reached ({_first_line(err)})"


def _first_line(err: Exception) -> str:
    return (str(err).strip().splitlines() or [type(err).__name__])[0].rstrip(".")
