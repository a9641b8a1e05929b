"""Tests of what challenges a forecast."""
