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
    data.arrow         an Arrow file or stream that is cut off or corrupt
    data.workbook      a workbook that is damaged, locked, or holds macros, links or errors
    data.sheet         a workbook with several sheets and none named, or without the one named
    data.html          a page that holds no elements
    data.pdf           a PDF that is cut off, corrupt or encrypted
    data.gzip          a gzip file that is cut off, corrupt or packed twice
    data.sql           a query that is no single SELECT, or that the database refused
    data.folder        a folder, or its tar, with other things than plain text files
    data.machine       the machine gave too few threads, files or too little memory to read it
    data.class         a class that the charter does not have, or another than the dataset has
    data.purpose       a purpose that the charter does not have, or another than is cleared
    data.residency     other places than the dataset has
    data.too_few_rows  fewer rows than the work needs
    data.terms         terms that cannot be read, or days that contradict each other
    data.plan          a plan of protection or a parameter of it that is malformed or out of range
    data.column        a column that is not there, not named, or of another kind
    data.value         a cell that a transform has no answer for
    data.pseudonym_key no key, or one under 32 bytes
    data.spans         spans that do not fit their texts
    data.hierarchy     a level that parts what the one before joined
    data.anonymity     k cannot be reached within the suppression limit
    data.contract      a contract, or what is asked of a measure, that cannot be meant
    data.contract_broken  a table that breaks its contract
    data.guideline     a guideline of labelling that cannot be read or used
    data.label         a label, row, annotator or decision that is unknown or malformed
    data.label_conflict  labelled or decided twice, or layers that do not merge
    data.label_layer   bytes that are not a canonical layer of labels
    data.agreement     a coefficient that the number of labels does not allow
    data.probabilities  probabilities that are none, or of other classes than the labels
    data.key           a key of rows that is missing, double or of another kind
    data.tagger        bytes that are no tagger, or too little to train one
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class DataError(FreeholdError):
    """Data that cannot be read as it claims.

    Messages count rows as a spreadsheet or an editor shows them: the header of a CSV file is row 1.
    """
