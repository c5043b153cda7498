"""Joins functions of several modules to one program, by a walk over their syntax trees."""
