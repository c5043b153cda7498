"""Groups of commands: help under headings, and suggestions for mistyped names."""

from __future__ import annotations

import difflib
from typing import Any

from typer.core import TyperGroup

from comp.errors import ConfigError

_COMPLETION = ("--install-completion", "--show-completion")


class CommandGroup(TyperGroup):
    """Commands whose help has one section per `rich_help_panel`, in the order of registration."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options of the group.

        Raises:
            ConfigError: when completion is asked for in a shell that cannot be detected.
        """
        if not ctx.resilient_parsing and args in [[option] for option in _COMPLETION]:
            _check_shell()
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` start with.

        Raises:
            ConfigError: naming the most similar command when it does not exist.
        """
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"see '{ctx.command_path} --help'"
            where = f" in '{ctx.command_path}'" if ctx.parent else ""
            raise ConfigError(f"no command '{name}'{where}: {advice}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section of the help for each panel."""
        sections: dict[str, list[tuple[str, Any]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            panel = getattr(command, "rich_help_panel", None)
            title = panel if isinstance(panel, str) else "Commands"
            sections.setdefault(title, []).append((name, command))
        width = max(len(name) for rows in sections.values() for name, _ in rows)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        (name.ljust(width), command.get_short_help_str(formatter.width - width - 6))
                        for name, command in rows
                    ]
                )


def _check_shell() -> None:
    import shellingham  # type: ignore[import-untyped,unused-ignore]

    try:
        shellingham.detect_shell()
    except shellingham.ShellDetectionFailure:
        raise ConfigError(
            "cannot detect the shell to complete for: run this command in bash, zsh or fish"
        ) from None
