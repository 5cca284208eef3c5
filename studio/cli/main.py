"""The command line: `serve`, which is the default, and the commands on a stopped studio's data folder.

Each command's flags are the settings that it needs, plus its own. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import typer

from studio import __version__
from studio.cli import bootstrap
from studio.errors import StudioError
from studio.settings import Settings, read

EXIT_CODES = "Exit codes: 0 all is done, 1 something could not be done, 2 it could not start."
FORMER_NAMES = {"bring": "import"}
"""Former names of commands, accepted until version 0.3, as are flags with underscores."""
FORMER_FLAGS = {"--reason": "--enhance"}
Command = TypeVar("Command", bound=Callable[..., int])
app = typer.Typer(
    help="Z-Image Studio: a web studio for Z-Image. Without a command it serves the page.",
    epilog=EXIT_CODES,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _metavar(annotation: Any) -> str:
    """The placeholder of a setting's value in `--help`."""
    types = [part for part in get_args(annotation) if part is not type(None)] or [annotation]
    kind = types[0]
    if get_origin(annotation) is Literal or get_origin(kind) is Literal:
        return "NAME"
    return {Path: "PATH", int: "NUMBER", float: "NUMBER"}.get(kind, "TEXT")


def _option(name: str, *, shown: bool) -> inspect.Parameter:
    field = Settings.model_fields[name]
    help = (field.description or "").split(";")[0].replace("`", "")
    flag = f"--{name.replace('_', '-')}"
    annotation: Any
    if field.annotation is bool:
        annotation = Annotated[bool | None, typer.Option(f"{flag}/--no-{name}", help=help, hidden=not shown)]
    else:
        metavar = _metavar(field.annotation)
        annotation = Annotated[str | None, typer.Option(flag, metavar=metavar, help=help, hidden=not shown)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def command(name: str, *shown: str, all: bool = False) -> Callable[[Command], Command]:
    """Register a command, whose first parameter receives the settings. `--help` lists the settings `shown`, or all."""

    def register(function: Command) -> Command:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        options = [_option(field, shown=all or field in shown) for field in Settings.model_fields]

        def call(**values: Any) -> None:
            given = {field: values.pop(field) for field in Settings.model_fields}
            given = {field: value for field, value in given.items() if value is not None}
            raise typer.Exit(function(read(given, os.environ), **values))

        keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
        call.__signature__ = inspect.Signature([*keyword, *options])  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in [*keyword, *options]}
        call.__doc__ = function.__doc__
        app.command(name, epilog=EXIT_CODES)(call)
        return function

    return register


def _version(wanted: bool) -> None:
    if wanted:
        print(f"Z-Image Studio {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


@command("serve", all=True)
def serve(settings: Settings) -> int:
    """Serve the page and the API. Every setting is also a variable STUDIO_NAME."""
    from studio.cli import serve

    return serve.run(settings)


@command("batch", "data", "checkpoint", "device", "memory_gb")
def batch(
    settings: Settings,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the prompts, UTF-8")],
    enhance: Annotated[bool, typer.Option("--enhance", help="enhance each prompt first")] = False,
    count: Annotated[int | None, typer.Option("--count", metavar="NUMBER", help="pictures per prompt")] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="NUMBER", help="seed of each prompt's first picture")
    ] = None,
    width: Annotated[int | None, typer.Option("--width", metavar="PIXELS")] = None,
    height: Annotated[int | None, typer.Option("--height", metavar="PIXELS")] = None,
    steps: Annotated[int | None, typer.Option("--steps", metavar="NUMBER")] = None,
    guidance: Annotated[float | None, typer.Option("--guidance", metavar="NUMBER")] = None,
    shift: Annotated[float | None, typer.Option("--shift", metavar="NUMBER")] = None,
) -> int:
    """Generate a file of prompts, one a line. Run again, it generates only what is missing.

    Blank lines and lines that begin with # are skipped. A line may be a JSON object with the API's parameters:
    {"prompt": "a cat", "seed": 7}.
    """
    from studio.cli import batch, serve

    values = {
        "count": count,
        "seed": seed,
        "width": width,
        "height": height,
        "steps": steps,
        "guidance": guidance,
        "shift": shift,
    }
    defaults = {name: value for name, value in values.items() if value is not None} | {"enhance": enhance}
    return serve.run_batch(settings, batch.Batch(file=file, defaults=defaults))


Owner = Annotated[
    str | None,
    typer.Option("--owner", metavar="OWNER", help="owner of pictures that name none; person:NAME logs in as NAME"),
]


@command("import", "data", "disk_quota_gb")
def import_(
    settings: Settings,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="links in it are not followed")],
    preview: Annotated[bool, typer.Option("--preview", help="only print what is read from each file")] = False,
    owner: Owner = None,
) -> int:
    """Import the PNG, JPEG and WebP files below a folder, and archives of this studio, with their metadata.

    Reads what A1111, Forge, ComfyUI, InvokeAI, SwarmUI, Fooocus or a studio wrote. Existing pictures are skipped.
    """
    from studio.cli import maintenance

    return maintenance.import_command(settings, folder, owner, preview=preview)


@command("export", "data")
def export(
    settings: Settings,
    target: Annotated[Path, typer.Argument(metavar="FILE.zip", help="the archive to write; it must not exist")],
    query: Annotated[str, typer.Option("--query", metavar="QUERY", help="only pictures that this search finds")] = "",
    owner: Owner = None,
) -> int:
    """Export pictures with their metadata, and all collections, as a ZIP file."""
    from studio.cli import maintenance

    return maintenance.export(settings, target, owner, query=query)


@command("check", "data")
def check(
    settings: Settings,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="where lost pictures may be found")
    ] = None,
    owner: Owner = None,
) -> int:
    """Compare every picture with its file, by its pixels, and repair what can be repaired."""
    from studio.cli import maintenance

    return maintenance.check(settings.data, files or (), maintenance.owner_of(settings, owner))


@command("backup", "data")
def backup(
    settings: Settings,
    target: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="by default beside the data, named by the time")
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="copy files that could be linked")] = False,
) -> int:
    """Back up the database, the pictures' files and a list of their hashes. The studio may run meanwhile."""
    from studio.cli import maintenance

    return maintenance.backup(settings.data, target, copy=copy)


@command("restore", "data")
def restore(
    settings: Settings,
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="a backup's folder, or a snapshot of the database")],
    owner: Owner = None,
) -> int:
    """Create the folder --data, which must be empty or not exist, from a backup or a snapshot."""
    from studio.cli import maintenance

    return maintenance.restore(settings, source, owner)


@command("inspect")
def inspect_(
    settings: Settings,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="PNG, JPEG or WebP files")],
) -> int:
    """Print the metadata of picture files as JSON lines. Reads the same formats as import."""
    from studio.cli import maintenance

    return maintenance.inspect(files)


def normalized(arguments: Sequence[str], warn: Callable[[str], None]) -> list[str]:
    """Arguments with the present names of commands and flags, and with the default command."""
    found = []
    for argument in arguments:
        flag, equals, value = argument.partition("=")
        name = FORMER_FLAGS.get(flag, flag.replace("_", "-") if re.match(r"--\w", flag) else flag)
        if name != flag:
            warn(f"{flag} is now {name}; the former name works until version 0.3.")
        found.append(f"{name}{equals}{value}")
    if found and found[0] in FORMER_NAMES:
        warn(f"{found[0]} is now {FORMER_NAMES[found[0]]}; the former name works until version 0.3.")
        found[0] = FORMER_NAMES[found[0]]
    if found[:1] and (found[0] in COMMANDS or found[0] in ("--help", "--version")):
        return found
    return ["serve", *found]


COMMANDS = ("serve", "batch", "import", "export", "check", "backup", "restore", "inspect")


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code. Errors are printed to standard error."""
    from storage.errors import StorageError

    def warn(sentence: str) -> None:
        print(sentence, file=sys.stderr)

    try:
        app(args=normalized(arguments, warn), prog_name="python app.py")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 2
    except (ValueError, OSError, StorageError, StudioError) as error:
        warn(bootstrap.explain_error(error))
        return 2
    return 0


def main() -> None:
    """Run the command line of this process."""
    bootstrap.prepare_process(os.environ)
    sys.exit(run(sys.argv[1:]))
