"""Every bound on incoming data in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DataLimits:
    """Bounds that keep one table within the memory of one machine, whoever wrote the file."""

    table_bytes_max: int = 4_294_967_296  # the file; it is held in memory while it is parsed
    field_bytes_max: int = 16_777_216  # one CSV field, JSON line or text; larger ones are mistakes
    columns_max: int = 2_000  # their profile has to fit one act's body
    column_name_chars_max: int = 256  # a longer name is a lost delimiter
    rows_max: int = 100_000_000  # one row index of training stays under 1 GiB
    cells_max: int = 500_000_000  # rows x columns; a small file can claim many of them
    header_bytes_max: int = 1_048_576  # the first line of a CSV file; 2,000 names fit
    files_max: int = 1_000_000  # texts of one folder
    path_bytes_max: int = 255  # what the header of a ustar archive holds
    folder_depth_max: int = 32  # deeper folders are loops or mistakes
    parquet_footer_bytes_max: int = 16_777_216  # read by us before any other code sees the file
    parquet_page_bytes_max: int = (
        268_435_456  # one page unpacked; writers make pages of about 1 MiB
    )
    parquet_unpacked_bytes_max: int = 8_589_934_592  # all pages; stops decompression bombs
    gzip_ratio_max: int = 200  # unpacked to packed; tables reach 50, bombs 1,000
    gzip_free_bytes: int = 16_777_216  # unpacked before the ratio counts; small files may repeat
    workbook_bytes_max: int = 268_435_456  # the file; a full sheet of a million rows is smaller
    workbook_unpacked_bytes_max: int = 2_147_483_648  # all its parts; stops decompression bombs
    workbook_parts_max: int = 10_000  # entries of its zip directory
    pdf_bytes_max: int = 268_435_456  # the file; larger ones are scans
    pdf_pages_max: int = 10_000  # one row a page
    pdf_stream_bytes_max: int = 67_108_864  # one stream unpacked; a page has about 100 KiB
    apart_memory_bytes_max: int = 4_294_967_296  # address space of a reader that runs apart
    apart_seconds_max: int = 300  # processor time of a reader that runs apart
    sql_seconds_max: int = 600  # one query, where the database can be told to stop
    sql_query_chars_max: int = 65_536  # a longer query is a program
    batch_rows: int = 16_384  # rows held as Python objects at a time
    chunk_bytes: int = 1_048_576  # what a scan holds at a time


DEFAULT_DATA_LIMITS = DataLimits()
