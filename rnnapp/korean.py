"""Korean particles: 은 or 는, 을 or 를, chosen by the sound that the word before them ends in.

A Korean template writes both forms, ``{name}은(는)``; once filled in, one of them stays.
"""

from __future__ import annotations

import re

__all__ = ["JOINED_PARTICLES", "join_particles"]

_PARTICLES = r"은\(는\)|이\(가\)|을\(를\)|과\(와\)|\(으\)로|\(이\)"

JOINED_PARTICLES = re.compile(_PARTICLES)
"""Every particle that is written in both its forms."""

_WITH_WORD = re.compile(rf"(\S?)([\s'\"’”`*)\]]*)({_PARTICLES})")
_FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)": ("이", ""),
}
_CLOSED_DIGITS = frozenset("013678")  # 영, 일, 삼, 육, 칠, 팔 end in a consonant
_CLOSED_LETTERS = frozenset("LMNRlmnr")  # 엘, 엠, 엔, 알
_CLOSED_ENDINGS = frozenset("bckpt")  # of a word in small letters: "adam", "split", "Adagrad"
_LIQUID = frozenset("178Llr")  # 일, 칠, 팔, 엘: "(으)로" becomes "로" after them


def ends_closed(character: str) -> bool:
    """Whether a word that ends in this character is spoken with a consonant at its end."""
    if "가" <= character <= "힣":
        return (ord(character) - ord("가")) % 28 != 0
    if character.isdigit():
        return character in _CLOSED_DIGITS
    return character in _CLOSED_LETTERS or character in _CLOSED_ENDINGS


def ends_liquid(character: str) -> bool:
    """Whether that consonant is ㄹ."""
    if "가" <= character <= "힣":
        return (ord(character) - ord("가")) % 28 == 8
    return character in _LIQUID


def join_particles(text: str) -> str:
    """The text with one form of each particle, by the sound before it.

    >>> join_particles("LSTM은(는) GRU을(를) 이깁니다.")
    'LSTM은 GRU를 이깁니다.'
    """

    def choose(found: re.Match[str]) -> str:
        before = found[1]
        closed, open_ = _FORMS[found[3]]
        particle = open_
        if ends_closed(before) and not (found[3] == "(으)로" and ends_liquid(before)):
            particle = closed
        return before + found[2] + particle

    return _WITH_WORD.sub(choose, text)
