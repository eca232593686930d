"""The experiments of the paper: networks trained side by side, and signals through their depth."""
