"""Where a source's database is: given without its password, which stays in memory alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from warehouse.errors import InputError

URL_VARIABLE = "WAREHOUSE_SOURCE_URL"
PASSWORD_VARIABLE = "WAREHOUSE_SOURCE_PASSWORD"
_KINDS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "mssql": "mssql",
    "sqlserver": "mssql",
}
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
_EXAMPLE = "postgresql://user@host/database"


@dataclass(frozen=True)
class Address:
    """A database; `url` may hold a password, `shown` never does."""

    kind: str
    url: str = field(repr=False)
    shown: str
    password: str | None = field(default=None, repr=False)

    @property
    def parts(self) -> SplitResult:
        """The pieces of the URL."""
        return urlsplit(self.url)

    def without_password(self, text: str) -> str:
        """A message of a driver in one line, with whatever is secret in it taken out."""
        text = " ".join(text.split())
        for secret in {self.url, self.password or "", quote(self.password or "", safe="")}:
            if secret:
                text = text.replace(secret, "***")
        return text


def find(given: str | None, environment: Mapping[str, str], project_dir: Path) -> Address:
    """The address that `--from` names: a URL, `env:NAME` or `file:PATH`; else WAREHOUSE_SOURCE_URL.

    A password is not taken from the command line, where everybody on the machine can read it, nor
    from a file inside the repository.
    """
    if given is None:
        given = f"env:{URL_VARIABLE}"
    if given.startswith("env:"):
        name = given.removeprefix("env:")
        url = environment.get(name, "").strip()
        if not url:
            raise InputError(f"The environment variable {name} is not set: put {_EXAMPLE} there.")
        where = f"The environment variable {name}"
    elif given.startswith("file:"):
        path = Path(given.removeprefix("file:")).expanduser().absolute()
        if path.resolve().is_relative_to(project_dir.resolve()):
            raise InputError(f"{path} lies inside the repository: keep credentials outside of it.")
        try:
            lines = path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise InputError(f"{path} cannot be read ({reason}).") from None
        if not lines:
            raise InputError(f"{path} is empty: write {_EXAMPLE} into it.")
        url, where = lines[0], str(path)
    else:
        url, where = given, "--from"
        if _split(url, where).password:
            raise InputError(
                "--from holds a password, which everybody on this machine can read while the"
                " command runs: use --from env:NAME or --from file:PATH, or leave the password out"
                f" and set {PASSWORD_VARIABLE}."
            )
    return _address(url, where, environment)


def _split(url: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # The error would show a part of the URL.
        raise InputError(f"{where} is no database URL such as {_EXAMPLE}.") from None
    return parts


def _address(url: str, where: str, environment: Mapping[str, str]) -> Address:
    parts = _split(url, where)
    scheme = parts.scheme.split("+")[0].lower()
    if scheme not in _KINDS:
        raise InputError(
            f"{where} is no database URL such as {_EXAMPLE}; it may begin with postgresql, mysql,"
            " sqlite or mssql."
        )
    kind = _KINDS[scheme]
    if kind == "sqlite":
        path = Path(unquote(parts.path)).expanduser()
        if not path.is_file():
            raise InputError(f"There is no SQLite file {path}: write sqlite:///absolute/path.")
        return Address(kind=kind, url=f"sqlite://{quote(str(path))}", shown=f"sqlite://{path}")
    password = unquote(parts.password) if parts.password else environment.get(PASSWORD_VARIABLE)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    shown_host = f"[{host}]" if ":" in host else host
    user = quote(unquote(parts.username), safe="") if parts.username else ""
    login = user + (f":{quote(password, safe='')}" if password else "")
    netloc = (f"{login}@" if login else "") + shown_host + port
    return Address(
        kind=kind,
        url=urlunsplit((kind, netloc, parts.path, parts.query, "")),
        # Neither the user nor the parameters: both may be secrets, and neither is needed.
        shown=f"{kind}://{shown_host}{port}{parts.path}",
        password=password,
    )
