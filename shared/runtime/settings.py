"""The settings that all services share; each is an environment variable that begins with `DESK_`.

docs/settings.md lists every one of them with its default; a test compares the two.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.bus.login import Login, Mechanism
from shared.db.sqlite import CACHE_MIB
from shared.runtime.credentials import PASSWORD_PREFIX, TOKEN_PREFIX
from shared.runtime.secret_files import SUFFIX, with_files
from shared.text.wording import words_of
from shared.web.limits import ConnectionLimits
from shared.web.rates import Rate

PREFIX = "DESK_"
_LIMITS = ConnectionLimits()
ELSEWHERE = ("DESK_SECRET_", "DESK_NOTIFY_", PASSWORD_PREFIX, TOKEN_PREFIX)
"""Variables whose names come from the policy file, with which they are checked."""
LONGEST_DAYS = 36_500
"""A century: nobody means more, and the calendar ends."""
SECRET_PREFIX = "DESK_SECRET_"  # noqa: S105 - the name of a variable, not a secret


def _per_second(rate: float) -> float:
    if rate != 0 and not SLOWEST_RATE <= rate < math.inf:
        raise ValueError(f"it must be a number from {SLOWEST_RATE} on, or 0 for no limit")
    return rate


SLOWEST_RATE = 0.001


def _web_address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", value):
        raise ValueError("an address that begins with https:// or http://, without ? and #")
    return value.rstrip("/")


WebAddress = Annotated[str, AfterValidator(_web_address)]
PerSecond = Annotated[float, AfterValidator(_per_second)]


class Settings(BaseSettings):
    """What the settings of all services have in common: a secret may also be in a file, and no
    error repeats what was set.
    """

    model_config = SettingsConfigDict(env_file=None, frozen=True, hide_input_in_errors=True)

    SECRETS: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _SecretFiles(settings_cls, cls.SECRETS), env_settings


class _SecretFiles(PydanticBaseSettingsSource):
    """`DESK_API_KEY_FILE` and its like."""

    def __init__(self, settings: type[BaseSettings], secrets: tuple[str, ...]) -> None:
        super().__init__(settings)
        prefix = settings.model_config["env_prefix"]
        self._variables = {f"{prefix}{name}".upper(): name for name in secrets}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Raises ValueError, see `with_files`."""
        names = [n for each in self._variables for n in (each, each + SUFFIX) if n in os.environ]
        found = with_files({name: os.environ[name] for name in names})
        return {self._variables[name]: secret for name, secret in found.items()}


class DeskSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="DESK_")

    SECRETS = ("bus_url", "bus_password", "api_key")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    data_dir: Path = Field(
        default=Path("./var"), description="Where the embedded mode keeps its files."
    )
    policy: Path | None = Field(
        default=None, description="The policy file; unset: the shipped one."
    )
    bus_url: str = Field(
        default="",
        description="`kafka://host:9092,host2:9092`; empty: the local log in DESK_DATA_DIR.",
    )
    bus_user: str = Field(
        default="", description="The user at Kafka; it needs `?security=SASL_SSL` in the bus URL."
    )
    bus_password: str = Field(default="", description="The user's password at Kafka.")
    bus_mechanism: Mechanism = Field(
        default="SCRAM-SHA-512",
        description="The SASL mechanism: `SCRAM-SHA-512`, `SCRAM-SHA-256` or `PLAIN`.",
    )
    bus_ca: Path | None = Field(
        default=None,
        description="File of the CA certificates (PEM) by which Kafka's are checked; unset:"
        " those of the machine.",
    )
    api_key: str = Field(
        default="",
        description="A key given from outside, 24 characters or more; empty: `inbound-desk run` "
        "makes one.",
    )
    keys_file: Path | None = Field(
        default=None,
        description="Hashed keys with name, scopes, expiry; unset: DESK_DATA_DIR/keys.json.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged."
    )
    body_limit: int = Field(
        default=1_048_576, ge=1024, description="Largest request body in bytes; more gives 413."
    )
    body_seconds: float = Field(
        default=_LIMITS.body_seconds,
        gt=0,
        description="Seconds a client may take to send its body; more gives 408.",
    )
    bodies_mib: int = Field(
        default=64,
        ge=1,
        description="MiB that all request bodies together may hold in a service while they come"
        " in; over that, the one that takes longest gets 503.",
    )
    head_bytes: int = Field(
        default=_LIMITS.head_bytes,
        ge=1024,
        description="Largest first line and headers of a request in bytes; more gives 431.",
    )
    header_count: int = Field(
        default=_LIMITS.header_count,
        ge=10,
        description="Most headers of a request; more gives 431.",
    )
    head_seconds: float = Field(
        default=_LIMITS.head_seconds,
        gt=0,
        description="Seconds a client may take to send its headers; more gives 408.",
    )
    idle_seconds: int = Field(
        default=_LIMITS.idle_seconds,
        ge=1,
        description="Seconds a connection may lie idle; longer than a reverse proxy keeps it.",
    )
    connections: int = Field(
        default=_LIMITS.connections, ge=1, description="Connections at once; one more gets 503."
    )
    key_rate: PerSecond = Field(
        default=100.0,
        description="Requests per second of one key on average; more gives 429; 0: no limit.",
    )
    key_burst: int = Field(default=1000, ge=1, description="Requests of one key at once.")
    channel_rate: PerSecond = Field(
        default=100.0,
        description="Webhooks per second of one channel on average; more gives 429; 0: no limit.",
    )
    channel_burst: int = Field(default=1000, ge=1, description="Webhooks of one channel at once.")
    shutdown_seconds: float = Field(
        default=4.0, gt=0, description="Seconds open requests get to end after SIGTERM or Ctrl-C."
    )
    trusted_proxies: str = Field(
        default="127.0.0.1", description="Addresses whose X-Forwarded-* headers are believed."
    )
    public_url: WebAddress = Field(
        default="",
        description="How platforms call the desk, `https://desk.example.org`, which some of them "
        "sign; empty: as each request says.",
    )
    inbox_days: int = Field(
        default=60,
        ge=1,
        le=LONGEST_DAYS,
        description="Days a handled event is remembered; well over `log_days`.",
    )
    outbox_days: int = Field(
        default=30,
        ge=1,
        le=LONGEST_DAYS,
        description="Days a published fact is kept for `inbound-desk replay`.",
    )
    dead_letter_days: int = Field(
        default=30,
        ge=1,
        le=LONGEST_DAYS,
        description="Days a dead letter is kept; those deleted unhandled are counted in the log.",
    )
    pool_size: int = Field(
        default=8, ge=2, description="PostgreSQL connections per process and service."
    )
    sqlite_cache_mib: int = Field(
        default=CACHE_MIB,
        ge=1,
        le=65_536,
        description="Memory for the cache of each SQLite database, in MiB.",
    )

    def connection_limits(self) -> ConnectionLimits:
        return ConnectionLimits(
            head_bytes=self.head_bytes,
            header_count=self.header_count,
            head_seconds=self.head_seconds,
            body_seconds=self.body_seconds,
            idle_seconds=self.idle_seconds,
            connections=self.connections,
        )

    def rate_of_keys(self) -> Rate:
        return Rate(self.key_rate, self.key_burst)

    def rate_of_channels(self) -> Rate:
        return Rate(self.channel_rate, self.channel_burst)

    def keys_path(self) -> Path:
        return self.keys_file or self.data_dir / "keys.json"

    def bus(self) -> str:
        return self.bus_url or f"local://{(self.data_dir / 'bus.sqlite').absolute()}"

    def bus_login(self) -> Login | None:
        """Raises ValueError for a user without a password, or the other way round."""
        if bool(self.bus_user) != bool(self.bus_password):
            raise ValueError("DESK_BUS_USER and DESK_BUS_PASSWORD belong together; one is not set")
        if not self.bus_user:
            return None
        return Login(self.bus_user, self.bus_password, self.bus_mechanism)

    def database(self, service: str, configured: str) -> str:
        return configured or f"sqlite:///{(self.data_dir / f'{service}.sqlite').absolute()}"


S = TypeVar("S", bound=BaseSettings)


class SettingsError(ValueError):
    """The environment holds values that cannot be used; each line names a variable."""


def read_settings(kind: type[S]) -> S:
    """The settings as the environment has them. Raises SettingsError; values are not repeated."""
    try:
        return kind()
    except ValidationError as error:
        lines = [_line(kind, each) for each in error.errors(include_url=False)]
    raise SettingsError("\n".join(lines))


def _line(kind: type[BaseSettings], error: Mapping[str, object]) -> str:
    name = str(error["loc"][0])  # type: ignore[index] # pydantic's places are tuples
    wrong, right = words_of(error)
    if error["type"] == "value_error":
        return f"{_variable(kind, name)} {wrong}: {right}."
    default = kind.model_fields[name].default
    shown = f" (default: {default})" if default not in ("", None) else ""
    return f"{_variable(kind, name)} {wrong}. Right would be: {right}{shown}."


def _variable(kind: type[BaseSettings], field: str) -> str:
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def unknown_variables(
    environment: Mapping[str, str], kinds: Sequence[type[BaseSettings]]
) -> Iterator[tuple[str, str]]:
    """Variables that begin like ours and are none, each with the nearest that there is."""
    known = {_variable(kind, field) for kind in kinds for field in kind.model_fields}
    secrets = [_variable(kind, each) for kind in kinds for each in getattr(kind, "SECRETS", ())]
    known |= {name + SUFFIX for name in secrets}
    for name in sorted(environment):
        if name.startswith(PREFIX) and not name.startswith(ELSEWHERE):
            if name in known:
                continue
            near = get_close_matches(name, sorted(known), n=1, cutoff=0.0)
            yield name, near[0]


def channel_secrets(environment: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The webhook secrets by channel: `DESK_SECRET_WEB_FORM=new,old` belongs to `web_form`. In a
    file each may also have a line of its own.

    Raises ValueError, see `with_files`.
    """
    ours = {name: value for name, value in environment.items() if name.startswith(SECRET_PREFIX)}
    return {
        name.removeprefix(SECRET_PREFIX).lower(): tuple(
            secret.strip() for secret in re.split("[,\n]", value) if secret.strip()
        )
        for name, value in with_files(ours).items()
    }
