"""Where keys come from: one file of many labelled keys, or the environment; both are wire.signing.SecretSource.

What was read is kept nowhere but in the signer that it becomes, and no error, name or `repr` repeats any of it."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fairlead.errors import Misuse, UnknownName
from fairlead.keys.signer import FileSigner

FILE_BYTES_MOST = 1_048_576  # a file of keys is small; more is something else
VARIABLE = "FAIRLEAD_KEY_"  # ..._<VENUE> or ..._<VENUE>_<LABEL>
ALONE = "main"  # the label of a key that a variable names without one
OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FORM = 'write {"<venue>": {"<label>": {"key", "secret", "passphrase"?, "kind"?}}} as JSON, or the same as TOML'


class KeyFile:
    """A file that nobody but its owner may open: `[<venue>.<label>]` tables in TOML, or the same as JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def labels(self, venue: str) -> tuple[str, ...]:
        return tuple(self._read().get(venue, {}))

    def signer(self, venue: str, label: str, kinds: Sequence[str]) -> FileSigner:
        keys = self._read().get(venue, {})
        chosen = _chosen(venue, label, tuple(keys), f"the file {self._path}")
        return FileSigner(msgspec.json.encode(keys[chosen]), kinds)

    def _read(self) -> Mapping[str, Mapping[str, Any]]:
        text = _private_text(self._path)
        try:
            parse: Callable[[str], Any] = msgspec.json.decode if text.lstrip().startswith("{") else tomllib.loads
            return msgspec.convert(parse(text), dict[str, dict[str, dict[str, str]]])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            # What was read is not repeated: the message of a parser may quote a line with a secret in it.
            raise Misuse(f"The key file {self._path} is not what it should be.", next=_FORM) from None

    def __repr__(self) -> str:
        return f"<KeyFile {self._path}>"


class Environment:
    """Variables FAIRLEAD_KEY_<VENUE>_<LABEL>, each one key as JSON: {"key", "secret", "passphrase"?, "kind"?}. Without
    a label: FAIRLEAD_KEY_<VENUE>, which is called main. Every program that we start inherits them: a file is the
    better place."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def labels(self, venue: str) -> tuple[str, ...]:
        return tuple(self._names(venue))

    def signer(self, venue: str, label: str, kinds: Sequence[str]) -> FileSigner:
        names = self._names(venue)
        chosen = _chosen(venue, _spelled(label).lower(), tuple(names), f"the environment ({VARIABLE}...)")
        return FileSigner(self._variables[names[chosen]].encode(), kinds)

    def _names(self, venue: str) -> dict[str, str]:
        """Label -> variable."""
        alone = VARIABLE + _spelled(venue)
        return {
            name[len(alone) + 1 :].lower() or ALONE: name
            for name in sorted(self._variables)
            if name == alone or name.startswith(f"{alone}_")
        }

    def __repr__(self) -> str:
        return "<Environment>"


def _spelled(word: str) -> str:
    """As a variable's name says it: bot-a is BOT_A."""
    return "".join(c if c.isalnum() else "_" for c in word).upper()


def _chosen(venue: str, label: str, labels: Sequence[str], where: str) -> str:
    if not labels:
        raise Misuse(f"There is no key of {venue} in {where}.", next=_FORM)
    if label in labels:
        return label
    if not label and len(labels) == 1:
        return labels[0]
    if not label:
        raise Misuse(f"There are several keys of {venue} in {where}.", next=f"say which: {', '.join(labels)}")
    raise UnknownName(f"key of {venue}", label, labels)


def _private_text(path: Path) -> str:
    """The file's text; refused if anybody but its owner could read it, or have written it."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())  # of what was opened, which is what is read
            if os.name == "posix":
                _check_private(path, state)
            text = file.read(FILE_BYTES_MOST + 1)
    except OSError as failed:
        raise Misuse(f"The key file {path} cannot be read: {failed.strerror}.", next="see to its path") from None
    if len(text) > FILE_BYTES_MOST:
        raise Misuse(f"The key file {path} is larger than {FILE_BYTES_MOST} bytes.", next=_FORM)
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Misuse(f"The key file {path} is not what it should be.", next=_FORM) from None


def _check_private(path: Path, state: os.stat_result) -> None:
    if state.st_uid not in (os.geteuid(), 0):
        raise Misuse(
            f"The key file {path} belongs to somebody else, who could change it.",
            next=f"make it yours: copy it, or chown {os.geteuid()} {path}",
        )
    if state.st_mode & OTHERS:
        raise Misuse(
            f"The key file {path} can be opened by others (mode {stat.S_IMODE(state.st_mode):04o}).",
            known="whoever reads it can trade in your name; no key of it was used",
            next=f"chmod 600 {path}, and replace the keys if others were about",
        )
