"""Distinct sample documents of a domain, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from migaki.atomic import write_jsonl
from migaki.corpus.documents import Document
from migaki.corpus.synthetic.plans import Scene, scenes_of
from migaki.corpus.synthetic.wording import Wording
from migaki.errors import UsageError
from migaki.linguistics.morphemes import Register
from migaki.linguistics.sentences import sentence_spans

__all__ = ["DOMAINS", "Domain", "chosen_domains", "sample_documents", "write_sample_documents"]

Domain = Literal["encyclopaedia", "web", "literature", "news", "technical", "dialogue"]
DOMAINS: Final[tuple[Domain, ...]] = get_args(Domain)

LICENCE: Final = "CC0-1.0"
_OPTIONAL_SHARE = 0.6
_LONGEST = 6
"""Sentences, or turns of a dialogue, that a text has at most where something can be left out."""
_MOST_TRIES = 40
"""Texts in a row that a scene may repeat before it counts as used up."""


def sample_documents(domain: Domain, *, count: int, seed: int) -> Iterator[Document]:
    """Yield distinct texts of one domain; all scenes take turns.

    Args:
        domain: Kind of text.
        count: How many; a shorter run is the beginning of a longer one.
        seed: Same seed, same texts.

    Yields:
        Documents with ``synthetic`` in source, id and metadata (``synthetic``, ``domain``, ``scene``,
        ``register``).

    Raises:
        UsageError: There is no such domain, or its scenes do not hold that many texts.

    Example:
        >>> first = next(sample_documents("news", count=1, seed=7))
        >>> first.source, first.licence, first.metadata["synthetic"]
        ('synthetic-news', 'CC0-1.0', True)
    """
    chosen_domains([domain])
    rng = random.Random(f"{domain}:{seed}")
    scenes = list(scenes_of(domain))
    repeats = dict.fromkeys((scene.name for scene in scenes), 0)
    seen: set[str] = set()
    while scenes:
        rng.shuffle(scenes)
        for scene in tuple(scenes):
            if len(seen) >= count:
                return
            text, register = _text(scene, rng)
            if text in seen:
                repeats[scene.name] += 1
                if repeats[scene.name] >= _MOST_TRIES:
                    scenes.remove(scene)
                continue
            repeats[scene.name] = 0
            seen.add(text)
            yield _document(text, domain, scene.name, register, number=len(seen), seed=seed)
    if len(seen) < count:
        raise UsageError(
            f"{count} sample documents of '{domain}' were asked for; its scenes hold about "
            f"{len(seen)} distinct ones.",
            hint=f"Ask for at most {len(seen)}.",
        )


def chosen_domains(names: Sequence[str]) -> tuple[Domain, ...]:
    """Return the domains of these names, each once.

    Raises:
        UsageError: There is no such domain.
    """
    for name in names:
        if name not in DOMAINS:
            raise UsageError(
                f"There are no sample documents of '{name}'. Valid: {', '.join(DOMAINS)}."
            )
    return tuple(domain for domain in DOMAINS if domain in names)


def write_sample_documents(
    folder: Path, *, count: int, seed: int, domains: Sequence[Domain] = DOMAINS
) -> list[Path]:
    """Write ``synthetic-DOMAIN.jsonl`` for each domain; return the files.

    Args:
        folder: Where to; it is made if it is missing.
        count: How many texts of each domain.
        seed: Same seed, same files.
        domains: Which.

    Raises:
        UsageError: As `sample_documents`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for domain in domains:
        path = folder / f"synthetic-{domain}.jsonl"
        write_jsonl(path, map(_row, sample_documents(domain, count=count, seed=seed)))
        files.append(path)
    return files


def _row(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "text": document.text,
        "source": document.source,
        "license": document.licence,
        **document.metadata,
    }


def _document(
    text: str, domain: Domain, scene: str, register: Register, *, number: int, seed: int
) -> Document:
    source = f"synthetic-{domain}"
    return Document(
        text,
        id=f"{source}:{seed}:{number}",
        source=source,
        licence=LICENCE,
        metadata={
            "synthetic": True,
            "domain": domain,
            "scene": scene,
            "register": str(register),
        },
    )


def _text(scene: Scene, rng: random.Random) -> tuple[str, Register]:
    register = rng.choice(scene.registers)
    wording = Wording(rng, register)
    lines: list[list[tuple[str, str]]] = []
    optional: list[list[tuple[str, str]]] = []
    for move in scene.moves:
        if move.is_optional and rng.random() >= _OPTIONAL_SHARE:
            continue
        choice = rng.randrange(len(move.steps[0].wordings))
        lines.append(
            [
                (wording.fill(step.speaker), wording.fill(step.wordings[choice]))
                for step in move.steps
            ]
        )
        if move.is_optional:
            optional.append(lines[-1])
    while optional and sum(map(_length, lines)) > _LONGEST:
        lines.remove(optional.pop(rng.randrange(len(optional))))
    said = [line for move in lines for line in move]
    if any(speaker for speaker, _ in said):
        return "\n".join(f"{speaker}：{text}" for speaker, text in said), register
    return "".join(text for _, text in said), register


def _length(move: list[tuple[str, str]]) -> int:
    """Return the turns of a dialogue, or the sentences of a text."""
    if move[0][0]:
        return len(move)
    return sum(len(list(sentence_spans(text))) for _, text in move)
