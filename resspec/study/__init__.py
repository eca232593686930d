"""The experiments of the paper: networks trained side by side, and what is seen in the depth of one."""
