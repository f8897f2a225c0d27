"""Adapters, one package per library: they translate, retry and map errors; they decide nothing."""
