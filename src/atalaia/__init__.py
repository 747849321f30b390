"""Atalaia: an operations-first data platform."""
