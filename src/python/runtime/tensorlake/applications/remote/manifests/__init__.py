"""Descriptions of functions as the platform stores them."""
