"""What users pass, as named columns of real numbers: arrays, tables, series, files and lines."""
