"""Made-up names and parts of an organisation, for people who do not exist."""

from __future__ import annotations

FIRST = (
    "Anna", "Ben", "Carla", "David", "Elif", "Filip", "Greta", "Hugo", "Ines", "Jonas", "Katrin",
    "Lars", "Mira", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Sven", "Tara", "Ugo", "Vera",
    "Wim", "Xenia", "Yusuf", "Zoe", "Åsa", "Björn", "Chloé", "Dunja", "Emre", "Fatima", "Goran",
    "Hanne", "Ivo", "Jana", "Kofi", "Lena", "Marek", "Nora",
)  # fmt: skip
LAST = (
    "Berg", "Castro", "Dahl", "Ekholm", "Fischer", "Garcia", "Hansen", "Ivanov", "Jansen",
    "Keller", "Lindgren", "Moreau", "Novak", "O'Neil", "Petrov", "Quist", "Rossi", "Schmidt",
    "Tanaka", "Ueda", "Varga", "Weber", "Xu", "Yilmaz", "Zeller", "Almeida", "Brandt", "Costa",
    "Demir", "Eriksson", "Fontaine", "Gruber", "Holm", "Iversen", "Jensen", "Kowalski", "Larsen",
    "Müller", "Nilsson", "Okafor", "Park", "Reid", "Silva", "Toth", "Urban", "Vogel", "Wagner",
)  # fmt: skip
DEPARTMENTS = {
    "Finance": 10,
    "Sales": 22,
    "Operations": 20,
    "HR": 6,
    "IT": 8,
    "R&D": 14,
    "Marketing": 8,
    "Logistics": 12,
}
"""Departments and how many of a hundred people work there."""
SYSTEM_ACCOUNTS = (
    "sa_repository", "sa_api", "sa_scheduler", "sa_proxy", "sa_engine", "sa_printing",
)  # fmt: skip
SERVICES = ("backup", "reload", "export", "monitor", "nprinting", "publish", "sync", "audit")
TAGS = ("License do not release", "VIP", "External", "Keep license")
MAIN = "EXAMPLE"
PARTNERS = "PARTNER"
PLAIN_ASCII = str.maketrans({"Å": "a", "å": "a", "ö": "o", "ü": "u", "é": "e"})
