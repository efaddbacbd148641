"""The ARPAbet phone set, and the conversion from misaki's phone code.

Table (misaki's US English code on the left, one character each):

    ɑ AA  æ AE  ʌ AH  ə AH  ᵊ AH  ɔ AO  W AW  I AY  ɛ EH  ɜ ER  A EY  ɪ IH  ᵻ IH  i IY  O OW  Y OY  ʊ UH  u UW
    b B  d D  f F  ɡ G  h HH  k K  l L  m M  n N  ŋ NG  p P  ɹ R  s S  t T  v V  w W  j Y  z Z
    ʧ CH  ʤ JH  θ TH  ð DH  ʃ SH  ʒ ZH      ɾ T  ʔ T      əɹ, ɜɹ, ᵊɹ ER

ˈ and ˌ give stress 1 and 2 to the next vowel; every other vowel has 0. The flap ɾ stands only for t: misaki writes
a flapped d as d. A nasal or l after an obstruent and before no vowel is a syllable of its own; it gets the AH0 that
misaki leaves out ("button" is bˈʌʔn, "didn't" dˈɪdnt).
"""

from __future__ import annotations

import re


def _phones(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _codes(codes: str, phones: str) -> dict[str, str]:
    return dict(zip(codes, phones.split(), strict=True))


VOWELS = _phones("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW")
CONSONANTS = _phones("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")
VOICELESS = _phones("P T K F TH")
SIBILANTS = _phones("S Z SH ZH CH JH")

_VOWEL_CODES = _codes("ɑæʌəᵊɔWIɛɜAɪᵻiOYʊu", "AA AE AH AH AH AO AW AY EH ER EY IH IH IY OW OY UH UW")
_CONSONANT_CODES = _codes(
    "bdfɡhklmnŋpɹstvwjzʧʤθðʃʒɾʔ", "B D F G HH K L M N NG P R S T V W Y Z CH JH TH DH SH ZH T T"
)
_SCHWAS = frozenset("əᵊ")
_SYLLABIC = re.compile(r"(?<=[bdfɡkpstvzʤʧθðʃʒɾʔ])([nml])(?![ˈˌ]?[ɑæʌəᵊɔWIɛɜAɪᵻiOYʊujwɹ])")
_STRESS = {"ˈ": "1", "ˌ": "2"}


def is_vowel(phone: str) -> bool:
    """Return True for a vowel: vowels are the phones with a stress digit."""
    return phone[-1].isdigit()


def from_misaki(code: str) -> tuple[str, ...]:
    """Convert a word in misaki's code to ARPAbet phones.

    A word without primary stress gets one, as in CMUdict ("go", "of", "it's"), unless its only vowel is a schwa
    ("em").
    """
    phones: list[str] = []
    stress, full = "0", list[int]()
    code = _SYLLABIC.sub(r"ᵊ\1", code)
    for position, symbol in enumerate(code):
        if symbol in _STRESS:
            stress = _STRESS[symbol]
        elif symbol in _VOWEL_CODES:
            if symbol not in _SCHWAS:
                full.append(len(phones))
            rhotic = symbol in "əᵊɜ" and code[position + 1 : position + 2] == "ɹ"
            phones.append(("ER" if rhotic else _VOWEL_CODES[symbol]) + stress)
            stress = "0"
        elif symbol == "ɹ" and position and code[position - 1] in "əᵊɜ":
            continue  # part of ER
        elif symbol in _CONSONANT_CODES:
            phones.append(_CONSONANT_CODES[symbol])
    return _with_primary_stress(phones, full)


def _with_primary_stress(phones: list[str], full: list[int]) -> tuple[str, ...]:
    if not any(phone.endswith("1") for phone in phones):
        secondary = [place for place, phone in enumerate(phones) if phone.endswith("2")]
        for place in (secondary or full)[:1]:
            phones[place] = phones[place][:-1] + "1"
    return tuple(phones)


def restressed(phones: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    """Replace the stress digit `old` by `new`: the second half of a compound has 2 instead of 1."""
    return tuple(phone[:-1] + new if phone.endswith(old) else phone for phone in phones)
