"""Personal information in Japanese text: found by rule, masked or counted."""

from migaki.corpus.personal_information.finding import Finding, find_personal_information
from migaki.corpus.personal_information.kinds import KINDS
from migaki.corpus.personal_information.masking import PersonalInformation

__all__ = ["KINDS", "Finding", "PersonalInformation", "find_personal_information"]
