"""Where in a text anything with letters might be: the one pass of RE2 that looks at every byte.

Each alternative is only a bounded beginning, so that the automaton stays small and no text can make
the pass slower than linear; what reads the rest decides. Numbers, e-mail addresses and URLs are
found by their digits and signs, in `_runs` and `_web`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import re2  # type: ignore[import-untyped]  # published without types

from freehold.data.detection._limits import DetectionLimits

MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|"
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|"
    "diciembre|januar|februar|märz|mai|juni|juli|oktober|dezember|"
    "janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre|"
    "gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|"
    "stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|"
    "listopada|grudnia"
)
# What stands before a value that has too little form of its own.
LABELS = {
    "postcode": (
        r"zip(?: ?code)?|postal ?code|post ?code|c\.?p\.?|código postal|codigo postal|plz|"
        r"postleitzahl|code postal|cap|kod pocztowy"
    ),
    "medical_record": (
        r"nhc|cipa|mrn|medical record|patient id|episodio|historia clínica|"
        r"patientennummer|numéro patient"
    ),
    "professional_licence": r"n[ºo°]\.? ?col|nºcol|colegiado|num col",
    "es_nass": r"nass|nuss|n[ºo°]\.? ?afiliaci[óo]n",
    "passport": r"passport|pasaporte|reisepass|passeport|passaporto|paszport(?:u)?",
    "driving_licence": (
        r"driver'?s licen[cs]e|driving licen[cs]e|führerschein|permis de conduire|"
        r"permiso de conducir|patente di guida|prawo jazdy"
    ),
    "vehicle_plate": (
        r"licen[cs]e plate|number plate|registration plate|matrícula|matricula|kennzeichen|"
        r"immatriculation|targa|plaque|numer rejestracyjny"
    ),
}
LINK = (
    r"(?:[ \t]?(?:code|number|numbers|num|no\.?|nummer|numéro|numero|número|numer|nr\.?|n[ºo°]\.?|"
    r"is|es|ist|est|è|of|to|de|the|nhc-?|#|:|=|-|\.)){0,4}[ \t]{0,4}"
)
NAMES_OF_SECRETS = (
    r"passwords?|passwd|pwd|passwort|kennwort|contraseña|mot de passe|hasło|secret|token|"
    r"api[_-]?key|access[_-]?key|client[_-]?secret|auth[_-]?key|credentials?"
)
_TOKENS = (
    r"AKIA[A-Z0-9]{2}|ASIA[A-Z0-9]{2}|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|\bsk-|[srp]k_live_|"
    r"[srp]k_test_|AIza|ya29\.|npm_|hf_|pypi-AgE|\bSG\.|dop_v1_|eyJ[A-Za-z0-9_\-]|AGE-SECRET-KEY-1|"
    r"-----BEGIN "
)
_WALLETS = r"0x[0-9a-fA-F]{8}|\bbc1[02-9ac-hj-np-z]{8}|\b[13][1-9A-HJ-NP-Za-km-z]{12}"
_IDS = (
    r"(?i:\b[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]\b|"  # NINO
    r"[a-z][0-9lmnp-v]\d[abcdehlmprst]\d\d[a-z]|"  # codice fiscale
    r"\d\d ?2[ab] ?\d{3} ?\d{3} ?\d\d)"  # NIR of Corsica
)
_NETWORK = (
    r"[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-]|"
    r"[0-9A-Fa-f]::|[0-9A-Fa-f]:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:"
)
_LABELLED = rf"(?i:\b(?:{'|'.join(LABELS.values())})\b)"
_ASSIGNED = rf"(?i:(?:{NAMES_OF_SECRETS})[\"']?[ \t]?(?:[:=]|is |ist |es |est ))"
_MONTH = rf"(?i:\b(?:{MONTHS})[ .,\-])"
# By what reads them; the first that fits wins, in RE2 as in `re`.
TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        "token": _TOKENS,
        "assigned": _ASSIGNED,
        "labelled": _LABELLED,
        "machine": _NETWORK,
        "iban": r"(?i:\b[a-z]{2}\d{2} ?[0-9a-z]{4})",
        "id": _IDS,
        "wallet": _WALLETS,
        "month": _MONTH,
    }
)
TRIGGER = re.compile("|".join(f"(?P<{name}>{form})" for name, form in TRIGGERS.items()).encode())


def compile_candidates(limits: DetectionLimits) -> Any:
    """Compile all of `TRIGGERS` into one automaton over bytes."""
    options = re2.Options()
    options.max_mem = limits.matcher_bytes_max
    options.log_errors = False
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile("|".join(TRIGGERS.values()).encode(), options)
