"""Freehold: own your AI outright."""
