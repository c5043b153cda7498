"""Columns of a table: their kinds, and their treatment for trees and for networks."""
