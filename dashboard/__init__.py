"""Widgets and layout of the dashboard; it computes nothing and calls the same functions as the command line."""
