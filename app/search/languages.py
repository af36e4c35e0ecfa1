"""Languages of words: which Snowball stemmer a text's script and function words call for.

Nothing is configured. Each script has its languages; which of them a text is in, its function words
say. A text without any is taken for the first language of its script. Words of several scripts in
one text are each stemmed by the language of their own script.
"""

# ruff: noqa: RUF001 (letters of many scripts are the subject)

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

import Stemmer

READ_CHARACTERS: Final = 800
"""How much of a text, from its beginning, is looked at for its language."""

FUNCTION_WORDS: Final[Mapping[str, str]] = {
    "english": (
        "the of and to a in is it you that he was for on are with as i his they be at this have from or had "
        "by not but what all were we when your can there an which their if do will how about would them then "
        "so these her has him no could my than been who its our did me she does please where why any some "
        "should just into over also here am us because up out"
    ),
    "german": (
        "der die das und ist nicht ein eine ich zu den mit von sie für auf es im dem sich des wir was wie "
        "auch als an nach bei aus wenn nur aber einen einem einer oder haben habe hat kann wird mein meine "
        "ihr mir mich uns sind war noch bitte zum zur bin werden"
    ),
    "french": (
        "le la les de des et est un une que qui dans pour pas vous je il sur ne avec ce nous au aux du se "
        "mais ou où plus sont cette mon ma mes votre vos par elle être avez été quel quelle"
    ),
    "spanish": (
        "el la los las de que y en un una es por con no para se su lo como más pero sus le ya o este sí "
        "porque esta entre cuando muy sin sobre también me hasta hay donde quien mi yo qué está del al "
        "usted tiene puede quiero"
    ),
    "italian": (
        "il la lo i gli le di che e è un una per non in con si del della dei da sono come ma anche più ho "
        "mi al alla nel nella questo questa ha se io tu ci vi sul cosa delle perché vorrei"
    ),
    "portuguese": (
        "o a os as de que e em um uma é para com não do da dos das no na se por mais como mas foi ao ele "
        "seu sua ou ser quando muito já eu também só pelo pela isso você meu minha está tem até"
    ),
    "dutch": (
        "de het een en van ik je is dat niet in op te zijn met voor aan er maar om hij ze naar dan wat ook "
        "als bij uit nog wel geen mijn heb heeft kan deze dit wij u wordt door"
    ),
    "swedish": (
        "och att det som en på är av för med den till jag inte har om ett men de var vi så från kan när nu "
        "du min ska skulle eller också hur vad mig dig"
    ),
    "norwegian": (
        "og det som en på er av for med den til jeg ikke har om et men de var vi så fra kan når nå du min "
        "skal eller også hvordan hva meg deg jeg"
    ),
    "danish": (
        "og det som en på er af for med den til jeg ikke har om et men de var vi så fra kan når nu du min "
        "skal eller også hvordan hvad mig dig hvor blev"
    ),
    "finnish": (
        "ja on ei se että oli hän ovat mutta joka kun niin myös mitä tai minä sinä olen olla ole minun jos "
        "vain kuin mikä missä voi sen tämä"
    ),
    "hungarian": (
        "a az és hogy nem is egy de van meg ez csak már ha vagy én mint el kell volt azt mi ezt nekem "
        "lehet szeretnék kérem"
    ),
    "romanian": (
        "și în de la cu nu este pe un o care să din că pentru mai sunt ce au am fi dar eu ar lui sau după "
        "foarte vă mi"
    ),
    "turkish": (
        "ve bir bu için ile de da ne çok ama gibi daha var mı mi benim ben olarak en kadar değil sonra olan "
        "veya nasıl lütfen"
    ),
    "polish": (
        "i w na nie z się do to jest że o jak za co po ale czy od tak przez mnie jego już tylko są dla ma "
        "ja by mam proszę gdzie"
    ),
    "czech": (
        "a se v na je že s z do to o k i ve jsem by pro jak ale po co tak jako ne byl od si jsou mám kde "
        "prosím není ten"
    ),
    "catalan": (
        "el la els les de que i en un una és per amb no es del al com més però si ha són aquest aquesta o "
        "meu seva vull molt també"
    ),
    "indonesian": (
        "yang dan di itu dengan untuk tidak ini dari dalam akan pada saya ke ada juga bisa adalah kami anda "
        "atau sudah apa mereka sebagai tolong"
    ),
    "irish": "agus an na ar is le do sé tá go ní bhí mé sí i ag a de é nach raibh seo",
    "lithuanian": "ir kad yra tai į su bet ne iš kaip aš jis buvo ar apie prie taip dar mano labai",
    "estonian": "ja on ei see et ta oli kui ma ka mis oma aga või siis ning seda mina palun",
    "basque": "eta da ez bat du dira zen baina ere dut nire hau hori izan zer nola",
    "esperanto": "la kaj de en estas mi ne al por ke kun vi li sed ĝi kiel estis mia",
    "russian": (
        "и в не на я что он с как это по но они к у мы вы за от так все его для ты о из же бы был мне меня "
        "если или уже нет есть мой где когда"
    ),
    "serbian": "и је у да се на не за су са од то као али ја сам ли што он би који ми из ће",
    "arabic": "في من على إلى أن لا ما هذا هذه مع هل كان عن التي الذي أو لم قد",
    "persian": "و در به از که این را با است برای آن یک می ها تا خود بر هم من",
    "greek": "και το να η ο της του με για την που δεν είναι σε από τα στο θα τι μου",
    "hindi": "है के में की और का को से पर यह हैं ने कि नहीं एक भी मैं लिए",
    "nepali": "छ र को मा लाई हो यो पनि भने गर्न छन् एक गरेको",
    "armenian": "և է որ եմ ի այս մի չի են համար",
    "tamil": "என்று ஒரு இந்த மற்றும் என் அந்த இது",
    "yiddish": "און איז דער די צו אַז ניט אין מיט פֿון וואָס",
}
"""The commonest words of each language that say little by themselves, in lower case."""

SCRIPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "latin": tuple(islice(FUNCTION_WORDS, 23)),
    "cyrillic": ("russian", "serbian"),
    "arabic": ("arabic", "persian"),
    "devanagari": ("hindi", "nepali"),
    "greek": ("greek",),
    "armenian": ("armenian",),
    "tamil": ("tamil",),
    "hebrew": ("yiddish",),
}
"""The languages of each script that Snowball stems, the one to assume first."""

TAKE_BEGINNINGS: Final = frozenset({"dutch", "indonesian", "irish", "turkish"})
"""Languages in Latin letters that have words which begin otherwise than their stems do."""

ASSUMED: Final = frozenset({"latin", "cyrillic", "arabic", "devanagari", "greek", "armenian", "tamil"})
"""Scripts whose first language is assumed of a text without function words. Hebrew is not Yiddish."""

_RANGES: Final = (
    ("latin", 0x0000, 0x024F),
    ("latin", 0x1E00, 0x1EFF),
    ("greek", 0x0370, 0x03FF),
    ("greek", 0x1F00, 0x1FFF),
    ("cyrillic", 0x0400, 0x052F),
    ("armenian", 0x0530, 0x058F),
    ("hebrew", 0x0590, 0x05FF),
    ("arabic", 0x0600, 0x077F),
    ("devanagari", 0x0900, 0x097F),
    ("tamil", 0x0B80, 0x0BFF),
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:[\u0300-\u036f\u0900-\u0dff]+[^\W\d_]*)*")


class Languages(NamedTuple):
    """The language of each script in a text; None where nothing is stemmed."""

    latin: str | None = "english"
    cyrillic: str | None = "russian"
    arabic: str | None = "arabic"
    devanagari: str | None = "hindi"
    greek: str | None = "greek"
    armenian: str | None = "armenian"
    tamil: str | None = "tamil"
    hebrew: str | None = None


ASSUMED_LANGUAGES: Final = Languages()


class _Stemmers(threading.local):
    """The stemmers of one thread, made when first used: a stemmer works in a buffer of its own."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def stem(self, language: str, word: str) -> str:
        stemmer = self._made.get(language)
        if stemmer is None:
            stemmer = self._made[language] = Stemmer.Stemmer(language, 0)  # 0: the caller has a cache
        stem: str = stemmer.stemWord(word)
        return stem


stem_in: Final = _Stemmers().stem
"""Returns the stem of a word in lower case in a language."""


def _languages_by_word() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for language, words in FUNCTION_WORDS.items():
        for word in dict.fromkeys(words.split()):
            found.setdefault(word, []).append(language)
    return {word: tuple(languages) for word, languages in found.items()}


BY_FUNCTION_WORD: Final = _languages_by_word()
_TELLING: Final = frozenset(word for word in BY_FUNCTION_WORD if len(word) > 1 or not word.isascii())
"""Those that tell a language: single letters stand for other things, too."""
_JOINERS: Final = dict.fromkeys(map(ord, "\u00ad\u200c\u200d"))


def find_languages(text: str) -> tuple[Languages, bool]:
    """Return the language of each script of a text, and whether its Latin words told theirs."""
    beginning = text[:READ_CHARACTERS].lower()
    if not beginning.isascii():
        beginning = beginning.translate(_JOINERS)
    words = beginning.split() if beginning.isascii() else _WORD.findall(beginning)
    return _decide(tuple(sorted(_TELLING & set(words))))


@lru_cache(maxsize=4096)
def _decide(words: tuple[str, ...]) -> tuple[Languages, bool]:
    votes = Counter(language for word in words for language in BY_FUNCTION_WORD[word])
    if not votes:
        return ASSUMED_LANGUAGES, False
    chosen = {script: max(languages, key=votes.__getitem__) for script, languages in SCRIPTS.items()}
    known = (votes[language] or script in ASSUMED for script, language in chosen.items())
    languages = Languages(*(one if told else None for one, told in zip(chosen.values(), known, strict=True)))
    return _interned(languages), votes[chosen["latin"]] > 0


@lru_cache(maxsize=4096)
def _interned(languages: Languages) -> Languages:
    """Return the one object that stands for equal ones, so that caches compare it quickly."""
    return languages


def stem(word: str, languages: Languages) -> str:
    """Return the stem of a word in lower case, in the language of its script; else the word."""
    script = script_of(word[0])
    language = None if script is None else getattr(languages, script)
    return word if language is None else stem_in(language, word)


@lru_cache(maxsize=4096)
def guess_stems(word: str, most: int = 4) -> tuple[str, ...]:
    """Return the stems that the languages of a word's script give it, the most frequent first."""
    script = script_of(word[0])
    if script is None:
        return ()
    return _by_votes(stem_in(language, word) for language in SCRIPTS[script])[:most]


def _by_votes(stems: Iterable[str]) -> tuple[str, ...]:
    return tuple(found for found, _ in Counter(stems).most_common())


@lru_cache(maxsize=4096)
def script_of(character: str) -> str | None:
    """Return the script of a letter, if it is one whose words are stemmed."""
    code = ord(character)
    return next((script for script, first, last in _RANGES if first <= code <= last), None)
