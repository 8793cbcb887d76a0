"""The command table. Each command's module is imported when it is needed, none of them loads torch."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import typer

from migaki import __version__
from migaki.cli.lazy_group import LazyGroup
from migaki.errors import MigakiError, ResourceError


class MigakiGroup(LazyGroup):
    """All commands; what they raise becomes words."""

    homes: ClassVar[Mapping[str, str]] = {
        "train": "migaki.cli.train:train",
        "data": "migaki.cli.data:data_app",
        "analyze": "migaki.cli.analyze:analyze",
        "conjugate": "migaki.cli.conjugate:conjugate",
        "convert": "migaki.cli.convert:convert",
        "augment": "migaki.cli.augment:augment",
        "generate": "migaki.cli.generate:generate",
        "chat": "migaki.cli.generate:chat",
        "models": "migaki.cli.models:models",
        "doctor": "migaki.cli.doctor:doctor",
        "report": "migaki.cli.report:report",
    }

    def invoke(self, ctx: Any) -> Any:
        """Run the command; errors become one paragraph, and a traceback only with ``--debug``."""
        debug = bool(ctx.params.get("debug"))
        try:
            return super().invoke(ctx)
        except MigakiError as error:
            if debug:
                raise
            from migaki.cli.console import show_error

            show_error(error)
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            from migaki.cli.console import err

            err.print("[bold yellow]Stopped.[/]")
            raise typer.Exit(130) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if debug or _is_cli_error(error):
                raise
            from migaki.cli.console import show_error

            show_error(_in_words(error))
            raise typer.Exit(1) from error


def _in_words(error: Exception) -> MigakiError:
    """Return what to say about an error that nobody foresaw."""
    from migaki.atomic import DISK_FULL

    if isinstance(error, OSError) and error.errno in DISK_FULL:
        where = f" to {error.filename}" if error.filename else ""
        return ResourceError(
            f"The disk is full: nothing more could be written{where} ({error.strerror}).",
            hint="Make room, or write to another disk, and repeat the command.",
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return MigakiError(
            f"A file could not be read or written: {where}{error.strerror}.",
            hint="Look at its path and its permissions.",
        )
    return MigakiError(
        f"{type(error).__name__}: {str(error).rstrip('.')}.",
        hint="migaki did not expect this. Run the same command with --debug for the traceback, and "
        "please report it.",
    )


def _is_cli_error(error: Exception) -> bool:
    """Tell a wrong option or argument, which the parser prints itself, from a failure."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


app = typer.Typer(
    cls=MigakiGroup,
    name="migaki",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Adapt large language models to Japanese: data, training, measurement, report.\n\n"
    "Start with [bold]migaki train[/]: it adapts the embedded model on the embedded sample chats "
    "in about a minute, without a network, and writes a report.",
    epilog="Results go to stdout, everything else to stderr. Exit status: 0 done, 1 failed, "
    "2 wrong use, 130 interrupted.",
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"migaki {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks and the detailed log."),
    version: bool = typer.Option(
        False, "--version", help="Show the version.", callback=_show_version, is_eager=True
    ),
) -> None:
    from migaki.cli.console import quiet_libraries, setup_logging, share_cores

    quiet_libraries()
    share_cores()
    setup_logging(debug=debug)


def main() -> None:
    """Run the command line; ``--debug`` is understood wherever it stands."""
    arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Japanese must not end a run
            stream.reconfigure(errors="backslashreplace")
    if sys.stdin is None:  # closed, as by <&- or a service manager
        sys.stdin = io.StringIO()
    if "--debug" in arguments:
        arguments = ["--debug", *(a for a in arguments if a != "--debug")]
    app(args=arguments, prog_name="migaki")
