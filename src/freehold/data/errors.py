"""What can be wrong with data that somebody brings.

    FreeholdError
    └── DataError             a file or folder that cannot become a dataset; nothing was changed

Codes of `DataError`:

    data.format        the name tells no format, or one that is not read
    data.empty         no bytes, no rows or no files
    data.encoding      text that is not UTF-8
    data.nul           a NUL byte in text
    data.too_large     a bound of `DataLimits` was exceeded
    data.header        column names that are missing, empty, double or too long
    data.ragged        a row with too few or too many fields, or a blank line
    data.quote         a quote that is not closed, or stands where none may stand
    data.newline       line ends other than LF and CRLF
    data.formula       a cell that a spreadsheet would run
    data.json          a line that is not one strict JSON object
    data.types         a column that mixes kinds of values, or holds a kind that is not read
    data.number        a number that no column holds exactly
    data.parquet       a Parquet file that is cut off, corrupt or untrue about itself
    data.folder        a folder, or its tar, with other things than plain text files
    data.machine       the machine gave too few threads, files or too little memory to read it
    data.class         a class that the charter does not have, or another than the dataset has
    data.purpose       a purpose that the charter does not have, or another than is cleared
    data.residency     other places than the dataset has
    data.too_few_rows  fewer rows than the work needs
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class DataError(FreeholdError):
    """Data that cannot be read as it claims.

    Messages count rows as a spreadsheet or an editor shows them: the header of a CSV file is row 1.
    """
