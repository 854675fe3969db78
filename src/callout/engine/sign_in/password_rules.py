"""What a password has to be: NIST SP 800-63B-4 section 3.1.1.

Long, not composed: nothing is asked of its characters, it never expires, and it may hold any of them, spaces too. What
anybody would try first is refused: what many people use, and what is made of the user's name or of this product's.
"""

from __future__ import annotations

import re
import unicodedata

#: Characters, counted as code points after normalization.
SHORTEST, LONGEST = 12, 400
#: Different characters that there are at least: one key that is held down is no password.
FEWEST_DIFFERENT = 5

#: Passwords that are tried first and are long enough; compared without case, spaces and the digits and signs around them.
_COMMON_TEXT = """
1234567890ab 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc abcdefghijkl abcdefghijklm abcdefghijklmn administrator
adminadmin adminpassword asdfghjklasdf batterystaple changemenow changemeplease changemetoday correcthorsebatterystaple
correcthorse defaultpassword donotknow footballfootball helloworld iloveyousomuch iloveyouforever letmeinletmein
letmeinnow letmeinplease masterpassword monkeymonkey mypassword mysecretpassword newpassword nopassword passphrase
passwordpassword passwordsecret passwort pleaseletmein princessprincess qazwsxedcrfv qwerasdfzxcv qwertyqwerty qwertyuiop
qwertyuiopas qwertyuiopasdf rootpassword secretpassword sunshinesunshine supersecret superadmin systemadministrator
temporary temppassword testpassword testtesttest thisisapassword thisismypassword topsecret trustnoone unknownpassword
welcomehome welcometo welcomewelcome whatever whateverwhatever yourpassword zaqwsxcderfv
"""
_COMMON = frozenset(_COMMON_TEXT.split())
#: Words of which a password may not consist, in any row, with any digits and signs between.
_WORDS = (
    "callout",
    "password",
    "passwort",
    "admin",
    "welcome",
    "secret",
    "letmein",
    "qwerty",
    "changeme",
    "setup",
    "login",
)
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "1234567890", "qwertyuiopasdfghjklzxcvbnm")


def normalized(password: str) -> str:
    """Return a password as it is counted and digested: NFKC (section 3.1.1.2), so that every keyboard writes the same."""
    return unicodedata.normalize("NFKC", password)


def refusal_of_password(password: str, user: str) -> tuple[str, str] | None:
    """Return what is wrong with a normalized password, as got and expected; None where it is good. Shows nothing of it."""
    if len(password) < SHORTEST:
        return f"{len(password)} characters", f"at least {SHORTEST}: several words are easy to remember"
    if len(password) > LONGEST:
        return f"{len(password)} characters", f"at most {LONGEST}"
    if len(set(password)) < FEWEST_DIFFERENT:
        return f"{len(set(password))} different characters", f"at least {FEWEST_DIFFERENT}"
    plain = "".join(password.casefold().split())
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    if plain in _COMMON or bare in _COMMON or _is_run(plain) or (bare != plain and _is_run(bare) and len(bare) > 3):
        return "a password that many people use", "one that nobody would try first"
    names = (*_words_of(user), *_WORDS)
    letters = re.sub(r"[\W\d_]+", "", plain)
    if _made_of(letters, names):
        expected = "one of other words"
        return "a password made of the user's name, of this product's, or of the word for it", expected
    return None


def _words_of(user: str) -> tuple[str, ...]:
    """Return the user's name and its parts, of three letters and more."""
    name = normalized(user).casefold()
    parts = (re.sub(r"[\W\d_]+", "", name), *re.split(r"[\W\d_]+", name))
    return tuple(part for part in parts if len(part) > 2)


def _made_of(letters: str, words: tuple[str, ...]) -> bool:
    """Say whether letters are nothing but these words in a row; none are: a password of digits is for other rules."""
    reached = {0}
    for end in range(1, len(letters) + 1):
        if any(letters.endswith(word, 0, end) and end - len(word) in reached for word in words):
            reached.add(end)
    return bool(letters) and len(letters) in reached


def _is_run(text: str) -> bool:
    """Say whether a text goes along the alphabet, the digits or the keyboard, forwards or back, however often."""
    rows = [row * (len(text) // len(row) + 2) for row in _RUNS]
    return any(text in row or text[::-1] in row for row in rows)
