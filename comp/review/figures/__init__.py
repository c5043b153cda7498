"""Figures of the panels: from arrays to blocks of a page."""
