"""The ground floor: values in, values out. Compiled; imports nothing of ours."""
