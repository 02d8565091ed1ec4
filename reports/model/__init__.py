"""The report of one model: text at 80 columns, a page with its pictures, and the record as JSON."""
