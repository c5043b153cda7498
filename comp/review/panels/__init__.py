"""The panels of a report, one module each: `panel(facts)` returns a panel, or None if there is
nothing to show."""
