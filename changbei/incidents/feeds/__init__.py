"""Fetches warnings from outside: over HTTP, guarded, and from a folder. No models, no transactions."""
