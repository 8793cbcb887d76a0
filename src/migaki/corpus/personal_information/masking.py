"""The stage that masks personal information, or takes out the documents that hold it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from migaki.corpus.cleaning.rejecting import STRICT, reject
from migaki.corpus.documents import Document, Outcome
from migaki.corpus.personal_information.finding import Finding, find_personal_information
from migaki.corpus.personal_information.kinds import TAGS

__all__ = ["PersonalInformation"]

Kind = Literal[
    "email", "phone", "postal_code", "individual_number", "card", "bank_account",
    "driving_licence", "address",
]  # fmt: skip


@dataclass(config=STRICT, frozen=True, kw_only=True)
class PersonalInformation:
    """Masks e-mail and postal addresses and the numbers of people, or rejects documents with them.

    How much is found and how much is taken for it wrongly: docs/results/corpus-cleaning.md. Names of
    people are not looked for. HojiChar's `MaskPersonalInformation` knows telephone numbers and e-mail.

    Example:
        >>> page = Document("電話は090-1234-5678です。", id="a:1", source="a", licence="CC0-1.0")
        >>> masked = PersonalInformation()(page)
        >>> masked.text, masked.counts
        ('電話は［電話番号］です。', {'personal_information.phone': 1})
        >>> PersonalInformation(action="drop")(page).detail
        '1 phone'
    """

    name: ClassVar[str] = "personal_information"
    reasons: ClassVar[tuple[str, ...]] = ("personal_information",)

    action: Literal["mask", "drop"] = "mask"
    """Write a tag in its place, or reject the document."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    """What is looked for."""
    tags: dict[Kind, str] = Field(default_factory=dict)
    """Other tags than ［電話番号］ and the like, by kind."""

    def __call__(self, document: Document) -> Outcome:
        """Mask in one document, or reject it."""
        found = find_personal_information(document.text, kinds=self.kinds)
        if not found:
            return document
        counts = Counter(finding.kind for finding in found)
        if self.action == "drop":
            # What was found is not repeated: reports and logs are no place for it.
            detail = ", ".join(f"{count} {kind}" for kind, count in counts.items())
            return reject(document, self, "personal_information", detail)
        named = {f"personal_information.{kind}": count for kind, count in counts.items()}
        return document.counting(named, text=self._masked(document.text, found))

    def _masked(self, text: str, found: Sequence[Finding]) -> str:
        tags: dict[str, str] = dict(TAGS)
        tags.update({kind: tag for kind, tag in self.tags.items()})
        pieces: list[str] = []
        done = 0
        for start, end, kind in found:
            pieces += (text[done:start], tags[kind])
            done = end
        return "".join(pieces) + text[done:]
