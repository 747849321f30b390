"""Territorial intelligence for the municipalities of Brazil."""
