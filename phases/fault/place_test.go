package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tminus/db/sandbox"
	"tminus/phases"
)

// book is the run that everything happens to. Each writing phase deletes one
// table and counts its commits in another: a COMMIT that took effect twice
// would be seen. The order of the deletes follows the foreign key.
const book = `
tminus: 1
title: fault
protected: [keep]
checklist:
  - id: before
    title: Before
    items:
      - {id: told, text: Everybody was told}
phases:
  - {id: look, title: Look, risk: none, planned: 1m, count: [child, parent]}
  - id: first
    title: First
    risk: high
    planned: 1m
    steps:
      - delete: child
      - {sql: "UPDATE public.tally SET n = n + 1 WHERE phase = 'first'", touch: [tally], rows: 1}
    after_commit: [{vacuum: [child]}]
  - id: second
    title: Second
    risk: critical
    planned: 1m
    point_of_no_return: true
    steps:
      - delete: parent
      - {sql: "UPDATE public.tally SET n = n + 1 WHERE phase = 'second'", touch: [tally], rows: 1}
after:
  - id: done
    title: Done
    items: [{id: said, text: Said so}]
`

const (
	childRows  = 90
	parentRows = 30
	keepRows   = 10
)

// schema begins a trial: whoever is left from the last one is gone, and so is
// all that it made, wherever that stands.
const schema = `
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS tminus CASCADE;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
DO $$ DECLARE name text; BEGIN
	FOR name IN SELECT pubname FROM pg_publication LOOP EXECUTE format('DROP PUBLICATION %I', name); END LOOP;
	PERFORM lo_unlink(oid) FROM pg_largeobject_metadata;
	EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
END $$;
CREATE TABLE public.keep (id int PRIMARY KEY, note text);
INSERT INTO public.keep SELECT i, 'row ' || i FROM generate_series(1, 10) i;
CREATE TABLE public.parent (id int PRIMARY KEY, keep_id int REFERENCES public.keep);
INSERT INTO public.parent SELECT i, 1 + i % 10 FROM generate_series(1, 30) i;
-- Wide rows, so that they go by ranges of blocks; parent's go at once.
CREATE TABLE public.child (id int PRIMARY KEY, parent_id int NOT NULL REFERENCES public.parent, pad text NOT NULL DEFAULT repeat('x', 1900));
CREATE INDEX ON public.child (parent_id);
INSERT INTO public.child SELECT i, 1 + i % 30 FROM generate_series(1, 90) i;
CREATE TABLE public.tally (phase text PRIMARY KEY, n int NOT NULL);
INSERT INTO public.tally VALUES ('first', 0), ('second', 0);
`

// slowness makes each statement of a phase last for more than a second, so that it
// is seen where the machine is busy.
const slowness = `
CREATE OR REPLACE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN PERFORM pg_catalog.pg_sleep(TG_ARGV[0]::float8); IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE DELETE ON public.child FOR EACH ROW EXECUTE FUNCTION public.slow('0.02');
CREATE TRIGGER slow BEFORE DELETE ON public.parent FOR EACH ROW EXECUTE FUNCTION public.slow('0.05');
CREATE TRIGGER slow BEFORE UPDATE ON public.tally FOR EACH ROW EXECUTE FUNCTION public.slow('1.5');
`

// place is a database, and the proxy before its server, for one trial at a time.
type place struct {
	server *sandbox.Server
	name   string
	proxy  *proxy
	folder string // for journals
	trials atomic.Int64
	idle   atomic.Pointer[pgx.Conn] // the bystander's session: a new one costs more than all that is asked
}

func newPlace(ctx context.Context, s *sandbox.Server, name, folder string) (*place, error) {
	if err := s.CreateDatabase(ctx, name, ""); err != nil {
		return nil, err
	}
	p, err := startProxy("unix", filepath.Join(s.Dir(), fmt.Sprintf(".s.PGSQL.%d", s.Port())))
	if err != nil {
		return nil, err
	}
	return &place{server: s, name: name, proxy: p, folder: folder}, nil
}

func (p *place) close() {
	p.proxy.close()
	p.retire(p.idle.Swap(nil))
}

// bystander gives a session that nothing was done in.
func (p *place) bystander(ctx context.Context) (*pgx.Conn, error) {
	if conn := p.idle.Swap(nil); conn != nil {
		if _, err := conn.Exec(ctx, `DISCARD ALL`); err == nil {
			return conn, nil
		}
		p.retire(conn)
	}
	conf, err := pgx.ParseConfig(p.dsn())
	if err != nil {
		return nil, err
	}
	conf.DefaultQueryExecMode = pgx.QueryExecModeExec // what it asks for is dropped and made anew
	return pgx.ConnectConfig(ctx, conf)
}

// keep takes a bystander's session back.
func (p *place) keep(conn *pgx.Conn) {
	p.retire(p.idle.Swap(conn))
}

func (p *place) retire(conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // the server may be gone
}

// dsn leads to the server itself, proxied through the proxy.
func (p *place) dsn() string { return p.server.DSN(p.name) }

func (p *place) proxied() string {
	return p.server.TCPDSN("127.0.0.1", p.proxy.port(), p.name)
}

// ask runs one statement, or several without an answer, as a bystander. All
// that is asked can be asked again, and is while the server recovers.
func (p *place) ask(ctx context.Context, sql string, into ...any) error {
	deadline := time.Now().Add(askLimit)
	for {
		err := p.askOnce(ctx, sql, into...)
		pg, refused := errors.AsType[*pgconn.PgError](err)
		if err == nil || refused && !strings.HasPrefix(pg.Code, "57P") || time.Now().After(deadline) {
			return err
		}
		if pause(ctx, 10*time.Millisecond) != nil {
			return err
		}
	}
}

// askLimit is how long a server may take to recover.
const askLimit = 15 * time.Second

func (p *place) askOnce(ctx context.Context, sql string, into ...any) error {
	conn, err := p.bystander(ctx)
	if err != nil {
		return err
	}
	defer p.keep(conn)
	if len(into) > 0 {
		return conn.QueryRow(ctx, sql).Scan(into...)
	}
	_, err = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// clear makes the place new.
func (p *place) clear(ctx context.Context) error {
	p.proxy.arm(nil)
	p.proxy.cutAll()
	for {
		var others int
		err := p.ask(ctx, `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`, &others)
		if err != nil {
			return fmt.Errorf("clear %s: %w", p.name, err)
		}
		if others == 0 {
			break
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return fmt.Errorf("clear %s: %d sessions are left: %w", p.name, others, err)
		}
	}
	return p.ask(ctx, schema)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// facts are what is in the tables.
type facts struct {
	rows   map[string]int // left, by writing phase
	tally  map[string]int // how often its commit took effect
	ledger map[string][]string
	keep   int
	kept   bool           // the protected table's content is what it was
	full   map[string]int // rows that a phase finds, by phase
}

// look reads the tables, and the ledger's rows of a run unless that is empty, as
// of one moment: a COMMIT that arrives late may fall between two looks.
func (p *place) look(ctx context.Context, run string) (facts, error) {
	for {
		f, hasLedger, err := p.lookAtTables(ctx)
		if err != nil || !hasLedger || run == "" {
			return f, err
		}
		for _, phase := range []string{"first", "second"} {
			var nonces []string
			err := p.ask(ctx, `SELECT coalesce(array_agg(nonce), '{}') FROM tminus.ledger WHERE run_id = '`+run+`' AND phase = '`+phase+`'`, &nonces)
			if err != nil {
				return f, fmt.Errorf("look at the ledger: %w", err)
			}
			f.ledger[phase] = nonces
		}
		again, _, err := p.lookAtTables(ctx)
		if err != nil {
			return f, err
		}
		if maps.Equal(f.rows, again.rows) && maps.Equal(f.tally, again.tally) {
			return f, nil
		}
	}
}

func (p *place) lookAtTables(ctx context.Context) (f facts, hasLedger bool, err error) {
	f = facts{
		rows: map[string]int{}, tally: map[string]int{}, ledger: map[string][]string{},
		full: map[string]int{"first": childRows, "second": parentRows},
	}
	var first, second, tallyFirst, tallySecond int
	err = p.ask(ctx, `SELECT (SELECT count(*) FROM public.child), (SELECT count(*) FROM public.parent),
			(SELECT n FROM public.tally WHERE phase = 'first'), (SELECT n FROM public.tally WHERE phase = 'second'),
			(SELECT count(*) FROM public.keep),
			(SELECT string_agg(id || note, ',' ORDER BY id) FROM public.keep) = (SELECT string_agg(i || 'row ' || i, ',' ORDER BY i) FROM generate_series(1, 10) i),
			to_regclass('tminus.ledger') IS NOT NULL`,
		&first, &second, &tallyFirst, &tallySecond, &f.keep, &f.kept, &hasLedger)
	if err != nil {
		return f, false, fmt.Errorf("look at the tables: %w", err)
	}
	f.rows["first"], f.rows["second"] = first, second
	f.tally["first"], f.tally["second"] = tallyFirst, tallySecond
	return f, hasLedger, nil
}

// errHalf is the worst that can be seen: a phase that happened in part, or twice.
var errHalf = errors.New("the phase happened in part, or more than once")

// happened says whether a phase took effect.
func (f facts) happened(phase string) (bool, error) {
	all := f.full[phase]
	switch rows, n := f.rows[phase], f.tally[phase]; {
	case rows == 0 && n == 1:
		return true, nil
	case rows == all && n == 0:
		return false, nil
	default:
		return false, fmt.Errorf("%w: %s: %d of %d rows left, %d commits counted", errHalf, phase, rows, all, n)
	}
}

// compare holds what the program says against what is in the tables. An open
// phase is no statement; final allows none.
func (f facts) compare(s *phases.State, final, ledger bool) []error {
	var wrong []error
	for i := range s.Phases {
		p := &s.Phases[i]
		if !p.Plan.Writes() {
			continue
		}
		id := p.Plan.ID
		happened, err := f.happened(id)
		if err != nil {
			wrong = append(wrong, err)
		}
		switch {
		case p.Status == phases.PhaseIsCommitted && !happened:
			wrong = append(wrong, fmt.Errorf("%s is said to be committed, and is not", id))
		case (p.Status == phases.PhaseIsRolledBack || p.Status == phases.PhasePending) && happened:
			wrong = append(wrong, fmt.Errorf("%s is said to be %s, and is committed", id, p.Status))
		case (p.Status.Open() || p.Status == phases.PhaseIsUndone) && final:
			wrong = append(wrong, fmt.Errorf("%s is left %s", id, p.Status))
		}
		if ledger {
			wrong = append(wrong, f.compareLedger(p, happened)...)
		}
	}
	if !f.kept || f.keep != keepRows {
		wrong = append(wrong, errors.New("the protected table was changed"))
	}
	return wrong
}

func (f facts) compareLedger(p *phases.PhaseState, happened bool) []error {
	rows := f.ledger[p.Plan.ID]
	switch {
	case happened && len(rows) != 1, !happened && len(rows) != 0:
		return []error{fmt.Errorf("%s: happened %v, and the ledger has %d rows of it", p.Plan.ID, happened, len(rows))}
	case p.Status == phases.PhaseIsCommitted && (p.Intent == nil || rows[0] != p.Intent.Nonce):
		return []error{fmt.Errorf("%s: the ledger's row is of another attempt than the journal's", p.Plan.ID)}
	}
	return nil
}
