package db

import (
	"context"
	"slices"
	"sync"

	"tminus/phases"
	"tminus/phases/schema"
)

// baseline is what is read of a database before the first phase. Several sessions
// add to it.
type baseline struct {
	t        *Target
	progress func(phases.TableCount)

	mu  sync.Mutex // guards what follows, and one session at a time tells of its progress
	out phases.Baseline
}

// Baseline counts and fingerprints on sessions of its own, all as of one moment.
func (t *Target) Baseline(ctx context.Context, counted []phases.Counted, protect []string, progress func(phases.TableCount)) (phases.Baseline, error) {
	b := &baseline{t: t, progress: progress}
	if progress == nil {
		b.progress = func(phases.TableCount) {}
	}
	err := t.checks.with(ctx, func(s *session) error {
		if _, err := s.Exec(ctx, oneMoment); err != nil {
			return err
		}
		defer rollback(ctx, s)
		all, err := b.readings(ctx, s, counted, protect)
		if err != nil {
			return err
		}
		return t.readAll(ctx, s, all)
	})
	if err != nil {
		return phases.Baseline{}, fail(ctx, "take the baseline of", t.host(), err)
	}
	return b.out, nil
}

// readings are all that is to be read. What a fingerprint tells is not counted
// again.
func (b *baseline) readings(ctx context.Context, s *session, counted []phases.Counted, protect []string) ([]reading, error) {
	names := slices.Clone(protect)
	for _, c := range counted {
		names = append(names, c.Table)
		b.out.Counts = append(b.out.Counts, phases.TableCount{Table: c.Table, Where: c.Where})
	}
	found, err := resolveAll(ctx, s, b.t.book, names)
	if err != nil {
		return nil, err
	}
	if len(protect) > 0 {
		b.out.Protected = make([]phases.Fingerprint, len(protect))
	}
	all, err := b.t.fingerprinting(ctx, s, found[:len(protect)], protect, b.fingerprinted)
	if err != nil {
		return nil, err
	}
	counts, err := b.counts(ctx, s, found[len(protect):], func(c phases.TableCount) bool { return c.Where == "" && slices.Contains(protect, c.Table) })
	return append(all, counts...), err
}

func (b *baseline) fingerprinted(i int, f phases.Fingerprint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.out.Protected[i] = f
	b.progress(phases.TableCount{Table: f.Table, Rows: f.Rows})
	for j := range b.out.Counts {
		if c := &b.out.Counts[j]; c.Table == f.Table && c.Where == "" {
			c.Rows = f.Rows
			b.progress(*c)
		}
	}
}

// counts are the readings of all counts but those that are known otherwise. Small
// tables are counted together, by one session.
func (b *baseline) counts(ctx context.Context, s *session, found []*schema.Relation, known func(phases.TableCount) bool) ([]reading, error) {
	size, err := pages(ctx, s, found)
	if err != nil {
		return nil, err
	}
	var out []reading
	var small []int
	for i, c := range b.out.Counts {
		switch {
		case known(c):
		case c.Where == "" && size[found[i].OID] <= smallPages:
			small = append(small, i)
		default:
			out = append(out, b.counting(found, size[found[i].OID], i))
		}
	}
	for some := range slices.Chunk(small, countedTogether) {
		out = append(out, b.counting(found, 0, some...))
	}
	return out, nil
}

// counting is the reading of some counts.
func (b *baseline) counting(found []*schema.Relation, size int64, places ...int) reading {
	return reading{size, func(ctx context.Context, s *session) error {
		var ask []counting
		in := programs
		b.mu.Lock()
		for _, i := range places {
			c := b.out.Counts[i]
			ask = append(ask, counting{found[i], c.Where, c.Table})
			if c.Where != "" { // a condition means what it means in the phase
				in = s.runbooks(b.t.book)
			}
		}
		b.mu.Unlock()
		if err := s.surround(ctx, in); err != nil {
			return err
		}
		left := places
		err := b.t.countAll(ctx, s, ask, func(rows int64) {
			b.mu.Lock()
			defer b.mu.Unlock()
			c := &b.out.Counts[left[0]]
			c.Rows, left = rows, left[1:]
			b.progress(*c)
		})
		if err != nil {
			return err
		}
		return s.surround(ctx, programs)
	}}
}
