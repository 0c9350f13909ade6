"""Bundles: a trained ensemble as a folder that is opened safely and labels new recordings."""
