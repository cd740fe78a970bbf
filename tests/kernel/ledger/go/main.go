// Command ledgercheck reads a log of Freehold with golang.org/x/mod and nothing of Freehold.
//
//	ledgercheck <folder> <vkey> <exchange>
//
// It verifies the checkpoint's signature, every tile and every entry against the root, every older checkpoint
// by a consistency proof, and in <exchange> the proofs that Freehold made: `<index>.tlog-proof` with `<index>.entry`,
// and `<old size>.consistency` with one base64 hash per line. Any failure ends it with status 1.
package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	if len(os.Args) != 4 {
		fail(errors.New("usage: ledgercheck <folder> <vkey> <exchange>"))
	}
	verifier, err := note.NewVerifier(os.Args[2])
	fail(err)
	log := &log{folder: os.Args[1], verifier: verifier}
	text, err := os.ReadFile(filepath.Join(log.folder, "checkpoint"))
	fail(err)
	log.tree = log.open(text)
	log.hashes = tlog.TileHashReader(log.tree, log)
	entries := log.checkEntries()
	proofs := log.checkProofs()
	receipts := log.checkReceipts(os.Args[3])
	older := log.checkOlder(os.Args[3])
	fmt.Printf("size %d entries %d proofs %d receipts %d older %d\n", log.tree.N, entries, proofs, receipts, older)
}

type log struct {
	folder   string
	verifier note.Verifier
	tree     tlog.Tree
	hashes   tlog.HashReader
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// open verifies a checkpoint: origin, size and root, one per line.
func (l *log) open(text []byte) tlog.Tree {
	opened, err := note.Open(text, note.VerifierList(l.verifier))
	fail(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != l.verifier.Name() {
		fail(fmt.Errorf("not a checkpoint of %s: %q", l.verifier.Name(), opened.Text))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	fail(err)
	root, err := tlog.ParseHash(lines[2])
	fail(err)
	return tlog.Tree{N: size, Hash: root}
}

// Height, ReadTiles and SaveTiles make the folder a tlog.TileReader.
func (l *log) Height() int { return height }

func (l *log) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		// tlog names tile/8/L/N what tlog-tiles names tile/L/N.
		content, err := l.read(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		if len(content) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s is too short", tile.Path())
		}
		data = append(data, content[:tile.W*tlog.HashSize])
	}
	return data, nil
}

func (l *log) SaveTiles([]tlog.Tile, [][]byte) {}

// read falls back from a partial object to the full one, which may replace it.
func (l *log) read(path string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(l.folder, path))
	if at := strings.Index(path, ".p/"); os.IsNotExist(err) && at > 0 {
		content, err = os.ReadFile(filepath.Join(l.folder, path[:at]))
	}
	return content, err
}

// checkEntries compares every entry with its leaf, and so every tile with the root.
func (l *log) checkEntries() int64 {
	for start := int64(0); start < l.tree.N; start += 1 << height {
		width := l.tree.N - start
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: -1, N: start >> height, W: int(width)}
		bundle, err := l.read(strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1))
		fail(err)
		var indexes []int64
		for place := int64(0); place < width; place++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, start+place))
		}
		leaves, err := l.hashes.ReadHashes(indexes)
		fail(err)
		for place, leaf := range leaves {
			if len(bundle) < 2 || len(bundle) < 2+(int(bundle[0])<<8|int(bundle[1])) {
				fail(fmt.Errorf("bundle %d ends early", tile.N))
			}
			end := 2 + (int(bundle[0])<<8 | int(bundle[1]))
			if tlog.RecordHash(bundle[2:end]) != leaf {
				fail(fmt.Errorf("entry %d is not in the tree", start+int64(place)))
			}
			bundle = bundle[end:]
		}
	}
	return l.tree.N
}

// checkProofs proves a few records from the tiles, and sees a changed leaf refused.
func (l *log) checkProofs() (count int) {
	for _, index := range []int64{0, l.tree.N / 3, l.tree.N / 2, l.tree.N - 1} {
		proof, err := tlog.ProveRecord(l.tree.N, index, l.hashes)
		fail(err)
		leaves, err := l.hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		fail(err)
		fail(tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, index, leaves[0]))
		leaves[0][0] ^= 1
		if tlog.CheckRecord(proof, l.tree.N, l.tree.Hash, index, leaves[0]) == nil {
			fail(fmt.Errorf("a changed leaf %d was accepted", index))
		}
		count++
	}
	return count
}

// checkReceipts verifies the receipts that Freehold gave, and sees each refused for a changed entry.
func (l *log) checkReceipts(exchange string) (count int) {
	paths, err := filepath.Glob(filepath.Join(exchange, "*.tlog-proof"))
	fail(err)
	for _, path := range paths {
		receipt, err := os.ReadFile(path)
		fail(err)
		entry, err := os.ReadFile(strings.TrimSuffix(path, ".tlog-proof") + ".entry")
		fail(err)
		split := bytes.Index(receipt, []byte("\n\n"))
		lines := strings.Split(string(receipt[:split]), "\n")
		if lines[0] != "c2sp.org/tlog-proof@v1" {
			fail(fmt.Errorf("%s is no receipt", path))
		}
		index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
		fail(err)
		tree := l.open(receipt[split+2:])
		proof := tlog.RecordProof(parse(lines[2:]))
		fail(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)))
		if tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(append(entry, '!'))) == nil {
			fail(fmt.Errorf("a receipt for another entry than %d was accepted", index))
		}
		count++
	}
	return count
}

// checkOlder proves every older checkpoint a prefix of the newest, by our own proof and by Freehold's.
func (l *log) checkOlder(exchange string) (count int) {
	paths, err := filepath.Glob(filepath.Join(l.folder, "checkpoints", "*"))
	fail(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		fail(err)
		old := l.open(text)
		if old.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(l.tree.N, old.N, l.hashes)
		fail(err)
		fail(tlog.CheckTree(proof, l.tree.N, l.tree.Hash, old.N, old.Hash))
		given, err := os.ReadFile(filepath.Join(exchange, fmt.Sprintf("%d.consistency", old.N)))
		fail(err)
		theirs := tlog.TreeProof(parse(strings.Fields(string(given))))
		fail(tlog.CheckTree(theirs, l.tree.N, l.tree.Hash, old.N, old.Hash))
		old.Hash[0] ^= 1
		if tlog.CheckTree(theirs, l.tree.N, l.tree.Hash, old.N, old.Hash) == nil {
			fail(fmt.Errorf("another root of size %d was accepted", old.N))
		}
		count++
	}
	return count
}

func parse(lines []string) (hashes []tlog.Hash) {
	for _, line := range lines {
		raw, err := base64.StdEncoding.DecodeString(line)
		fail(err)
		var hash tlog.Hash
		if copy(hash[:], raw) != len(hash) {
			fail(fmt.Errorf("not a hash: %q", line))
		}
		hashes = append(hashes, hash)
	}
	return hashes
}
