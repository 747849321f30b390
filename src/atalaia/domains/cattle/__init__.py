"""Conecta Boi: feeding files of feedlots, from the file to planned against fed."""
