"""The catalogue that all visitors of a server share; it can be begun before Streamlit, or any page, is loaded."""

from __future__ import annotations

import os
from functools import cache, partial

from trainvitals.diagnostics.catalogue import Catalogue
from trainvitals.diagnostics.catalogue.stored import usual
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import Settings, find


@cache
def catalogue_of(folder: str) -> Catalogue:
    """The catalogue of a folder, one for all sessions of the server."""
    return Catalogue(folder, partial(settings_of, folder), usual(os.environ))


def settings_of(folder: str) -> Settings:
    """The same settings as on the command line: never those that lie inside the folder that is judged.

    Raises:
        SettingsError: they cannot be used.
    """
    return find(os.curdir, RULES, [folder])[0]
