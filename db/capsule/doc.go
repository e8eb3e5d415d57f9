// Package capsule is the files of an undo capsule: what one phase's transaction took
// away, and what it put in its place. It knows no database: who captures the rows
// writes them here as COPY gives them, and who puts them back reads them as COPY
// takes them.
//
// # The folder
//
// A capsule is a folder that only its owner may enter:
//
//	1.dat.gz, 2.old.gz …  streams: rows of one table, numbered as they were begun
//	toc.dat               for pg_restore: the rows that are gone
//	put-back.sql          for psql and gzip: all of the undo, in one transaction
//	SHA256SUMS            for sha256sum -c: all files, the manifest too
//	manifest.json         what all of it is; written last: without it, nothing is finished
//	expired.json          a tombstone; where it is, the rows are gone, or on their way
//
// The files of what is being written end in .tmp until they are whole.
//
// # Streams
//
// A stream is the text of COPY … TO STDOUT, format text with its defaults, in the
// database's own encoding: a row a line, columns by tabs, NULL as \N, with no end
// mark. It is one gzip member with nothing behind it. There are up to four of a table:
//
//	.dat    gone   rows that were deleted
//	.old    old    rows that were changed, as they were, whole
//	.new    new    the same rows as they were left, in the same order
//	.added  added  rows that were inserted
//
// A table of the manifest is one with rows of its own: a partition, not what it is a
// part of; an heir, not what it inherits from. Columns are those that are not
// generated, in the order that the manifest gives. Old and new belong together by the
// columns of the key; in a table without, a changed row is in gone and in added.
//
// The manifest has rows, bytes of text, bytes and SHA-256 of the file, and a sum of
// the rows: of each line without its newline the xxHash (64 bits, seed 0), added up
// modulo 2^64, as 16 hexadecimal digits. It is the same whatever the rows' order. See
// Manifest for the fields. Unknown fields are damage: a new field is a new format.
//
// # Encryption
//
// With recipients, a stream's gzip is in a file of age's (age-encryption.org/v1), and
// its name ends in .age. All that is not a stream stays plain, and holds no row's
// content: names of tables and columns, counts and sums. toc.dat and put-back.sql
// name the streams as they are when decrypted; Decrypt, or age -d as put-back.sql
// says, makes them so.
//
// # Without tminus
//
//	zcat 1.dat.gz                                  the rows
//	pg_restore -1 --data-only --disable-triggers -d DATABASE FOLDER
//	psql -X -d DATABASE -f put-back.sql            in the folder
//
// pg_restore of PostgreSQL 12 and later reads toc.dat: it is of version 1.14, its
// entries come in the manifest's order and each waits for the one before. It has no
// SEQUENCE SET. Since rows have no end mark, pg_restore has to be connected: with
// -f it writes a script that psql does not take.
//
// # Trust
//
// Nothing that is read is trusted until its end: a stream gives io.EOF only when all
// of it was what the manifest says, and an error in its place otherwise, so that a
// COPY fed from it fails. Names are matched, never followed; links are none. Whether
// the manifest itself is what was written, its SHA-256 tells, which belongs into the
// journal; without, Verify holds it against SHA256SUMS.
//
// No row's content is in an error. Memory is a few megabytes a stream that is open,
// whatever the size of rows.
package capsule
