package runbook

import (
	"slices"
	"strings"
	"time"
)

// FenceKind is what a fence switches off, by the key that the runbook gives it.
type FenceKind string

// The kinds of fence. An empty one is of another version: nothing can be done
// with it.
const (
	FenceTriggers     FenceKind = "triggers"
	FenceWorkflow     FenceKind = "github_workflow"
	FenceFile         FenceKind = "git_file"
	FenceAlertmanager FenceKind = "alertmanager"
	FencePgBouncer    FenceKind = "pgbouncer"
	FencePatroni      FenceKind = "patroni"
	FenceDeployment   FenceKind = "deployment"
	FenceCron         FenceKind = "pg_cron"
	FenceCommands     FenceKind = "commands"
	FenceIndexes      FenceKind = "indexes" // by no key: of a runbook with `indexes: before`, by itself
)

// Fence is something that is off for the run and must come back.
type Fence struct {
	ID    string // unique among fences
	Title string
	Kind  FenceKind
	Limit time.Duration // how long switching it off, or back on, may take

	Rehearsal bool // it is switched in a rehearsal too; of triggers, which are the copy's own, that is always so

	Triggers []string // triggers: their names

	Repository, Workflow string // github_workflow: OWNER/NAME, and the workflow's file
	Token                string // github_workflow: the variable that holds the token; may be empty
	ByGH                 bool   // github_workflow: the program gh asks
	URL                  string // github_workflow, alertmanager, patroni: where it is asked

	Dir            string // git_file: the checkout; commands: where they run; may be empty for these
	Path, To       string // git_file: the file, and its name while it is off
	Branch, Remote string // git_file

	Matchers []string // alertmanager: of the alerts that are silenced
	Comment  string   // alertmanager; may be empty

	DSN, Database string // pgbouncer: its admin console, and the database that is paused

	Name, Namespace, Context string // deployment; the last two may be empty: kubectl's own

	Job string // pg_cron: the job's name

	Off, On, State []string // commands: argv each
	Env            []string // commands: the variables that they are given

	Wait time.Duration // indexes: how long others are waited for
	Keep bool          // indexes: some of them stay
}

// The names of a fence's checks and actions. No runbook writes them: they are
// those of an item with the key `fence`.
const (
	TakeFence = "fence.take"
	LiftFence = "fence.lift"
	FenceOff  = "fence.off"
	FenceBack = "fence.back"
)

// What a fence has where the runbook does not say.
const (
	fenceLimit  = time.Minute
	githubAPI   = "https://api.github.com"
	offSuffix   = ".disabled"
	maxFences   = 20
	maxMatchers = 20
	maxVars     = 50
)

const amongFences = "fences"

func fenceObject() object {
	return object{
		name: "fence",
		keys: []key{
			idAmong(amongFences),
			{"title", true, of(aLine), "what is off while it is: \"the refill workflow\""},
			{"triggers", false, listOf(of(aName), maxTables), "every trigger of these names, on whatever table of the runbook's schemas, is disabled; each comes back to its own state, and one that was dropped is made again"},
			{"github_workflow", false, ofObject("github_workflow"), "a workflow of GitHub Actions is disabled"},
			{"git_file", false, ofObject("git_file"), "a file gets another name on a branch, which is pushed"},
			{"alertmanager", false, ofObject("alertmanager"), "alerts are silenced until the abort limit at the latest"},
			{"pgbouncer", false, ofObject("pgbouncer"), "a database of PgBouncer is paused"},
			{"patroni", false, ofObject("patroni"), "Patroni's automatic failover is paused"},
			{"deployment", false, ofObject("deployment"), "a Deployment of Kubernetes is scaled to 0, and back to its count"},
			{"pg_cron", false, ofObject("pg_cron"), "a job of pg_cron is made inactive"},
			{"commands", false, ofObject("commands"), "programs of your own switch something off and on, and tell its state"},
			{"rehearsal", false, of(aFlag), "`true` switches it in a rehearsal too; default `false`, since it would be the real system's: a human ticks its items there. Triggers are the copy's own, and are always switched"},
		},
		one: []string{"triggers", "github_workflow", "git_file", "alertmanager", "pgbouncer", "patroni", "deployment", "pg_cron", "commands"},
	}
}

// fenceParts are the objects of the kinds that have one.
func fenceParts() []object {
	limit := key{"limit", false, ofLength(time.Second, time.Hour), "over it, switching off or on is given up; default `" + FormatDuration(fenceLimit) + "`"}
	return []object{
		{name: "github_workflow", apart: apart{"by", "token", "keep one of them: gh has a login of its own"}, keys: []key{
			{"repository", true, of(aRepository), ""},
			{"workflow", true, of(aHandle), "the name of its file: `refill.yml`"},
			{"token", false, of(aVariable), "the environment variable that holds the token"},
			{"by", false, ofWords("", bare("gh")...), "the program `gh` asks, with its own login"},
			{"url", false, of(anAddress), "where the API is; default `" + githubAPI + "`"},
		}},
		{name: "git_file", keys: []key{
			{"dir", true, of(aLine), "the top folder of a checkout, an absolute path"},
			{"path", true, of(aPath), "the file"},
			{"to", false, of(aPath), "its name while it is off; default `path` with `" + offSuffix + "` behind it"},
			{"branch", true, of(aRef), "the branch that is pushed to"},
			{"remote", false, of(aRef), "default `origin`"},
		}},
		{name: "alertmanager", keys: []key{
			{"url", true, of(anAddress), "where Alertmanager is, without `/api/v2`"},
			{"matchers", true, listOf(of(aMatcher), maxMatchers), "of the alerts that are silenced; all of them hold"},
			{"comment", false, of(aLine), "the silence's; default the run's name"},
		}},
		{name: "pgbouncer", keys: []key{
			{"dsn", true, of(aLine), "how its admin console is reached, without a password: `service=pgbouncer`"},
			{"database", true, of(aName), "as PgBouncer calls it"},
			limit,
		}},
		{name: "patroni", keys: []key{
			{"url", true, of(anAddress), "a member's REST API"},
			limit,
		}},
		{name: "deployment", keys: []key{
			{"name", true, of(aResource), ""},
			{"namespace", false, of(aResource), "default kubectl's own"},
			{"context", false, of(aResource), "default kubectl's own"},
		}},
		{name: "pg_cron", keys: []key{
			{"job", true, of(aLine), "its name in cron.job"},
		}},
		{name: "commands", keys: []key{
			{"off", true, listOf(of(anArgument), maxArgs), "a program and its arguments, no shell; exit code 0 means that it is off"},
			{"on", true, listOf(of(anArgument), maxArgs), "the same, for on"},
			{"state", true, listOf(of(anArgument), maxArgs), "prints the state: it is recorded before, must be another one while it is off, and the same again in the end"},
			{"dir", false, of(aLine), "where they run, an absolute path; default where tminus runs"},
			{"env", false, listOf(of(aVariable), maxVars), "the environment variables that they are given, beside PATH, HOME, LANG and TMPDIR"},
			limit,
		}},
	}
}

func (f fields) fence() Fence {
	out := Fence{ID: f.text("id"), Title: f.line("title"), Limit: fenceLimit, Rehearsal: f.flag("rehearsal", false)}
	if out.Title == "" {
		out.Title = out.ID
	}
	for _, kind := range f.shapes["fence"].one {
		n := f.node.value(kind)
		if n == nil || out.Kind != "" {
			continue
		}
		out.Kind = FenceKind(kind)
		if out.Kind == FenceTriggers {
			out.Triggers = f.triggers()
			continue
		}
		f.object(n, kind).part(&out)
	}
	if out.Kind == "" {
		f.pass(f.node.line, "fence")
	}
	return out
}

// part reads the object of a kind.
func (f fields) part(out *Fence) {
	out.URL = f.line("url")
	out.Dir = f.line("dir")
	if f.node.has("limit") {
		out.Limit = f.length("limit", fenceLimit, 1)
	}
	switch out.Kind {
	case FenceWorkflow:
		out.Repository, out.Workflow, out.Token = f.line("repository"), f.line("workflow"), f.line("token")
		out.ByGH = f.node.has("by") && f.word("by", "gh")
		if out.URL == "" {
			out.URL = githubAPI
		}
	case FenceFile:
		out.Path, out.To, out.Branch, out.Remote = f.line("path"), f.line("to"), f.line("branch"), f.line("remote")
		if out.To == "" {
			out.To = out.Path + offSuffix
		}
		if out.Remote == "" {
			out.Remote = "origin"
		}
	case FenceAlertmanager:
		out.Matchers, out.Comment = f.lines("matchers"), f.line("comment")
	case FencePgBouncer:
		out.DSN, out.Database = f.line("dsn"), unquoted(f.line("database"))
	case FenceDeployment:
		out.Name, out.Namespace, out.Context = f.line("name"), f.line("namespace"), f.line("context")
	case FenceCron:
		out.Job = f.line("job")
	case FenceCommands:
		out.Off, out.On, out.State, out.Env = f.lines("off"), f.lines("on"), f.lines("state"), f.lines("env")
	}
}

// OfDatabase reports whether the run's database, or the way to it, has to be
// there to switch the fence.
func (f *Fence) OfDatabase() bool {
	return slices.Contains([]FenceKind{FenceTriggers, FencePgBouncer, FenceCron, FenceIndexes}, f.Kind)
}

// every is how often a fence's state is asked anew: what a server of one's own
// answers more often than what somebody else's does.
func (f *Fence) every() time.Duration {
	switch f.Kind {
	case FenceTriggers, FenceCron, FenceIndexes:
		return 2 * time.Second
	case FenceWorkflow:
		return 30 * time.Second
	}
	return 10 * time.Second
}

// Fence finds a fence and its place in the order; nil and -1 for none.
func (r *Runbook) Fence(id string) (*Fence, int) {
	for i := range r.Fences {
		if r.Fences[i].ID == id {
			return &r.Fences[i], i
		}
	}
	return nil, -1
}

// fenceItem gives an item what answers it: the state of its fence, and nobody's
// tick.
func (r *Runbook) fenceItem(it Item, after bool) Item {
	f, _ := r.Fence(it.Fence)
	if f == nil {
		f = &Fence{ID: it.Fence, Title: it.Fence}
	}
	it.Check = &Check{Kind: CheckFence, Name: FenceOff, Timeout: 10 * time.Second, Every: f.every(), Through: true, Remedy: "Switch it off by this item's key."}
	it.Action = &Action{Name: TakeFence, Text: "switch off " + f.Title}
	if after {
		it.Check.Name, it.Check.Through = FenceBack, false
		it.Check.Remedy = "Bring it back by this item's key; what somebody else has changed, somebody has to look at."
		it.Action = &Action{Name: LiftFence, Text: "bring back " + f.Title}
	}
	return it
}

// completeFences gives each fence an item before the gate and one after the last
// COMMIT, where the file has none. So every fence holds the gate, and the end.
func (r *Runbook) completeFences() {
	answer := func(items []Item, after bool) {
		for i, it := range items {
			if it.Fence != "" {
				items[i] = r.fenceItem(it, after)
			}
		}
	}
	for _, g := range r.Checklist {
		answer(g.Items, false)
	}
	for _, p := range r.Phases { // no rule lets one stand there
		answer(p.Confirm, false)
	}
	for _, g := range r.After {
		answer(g.Items, true)
	}
	var off []Item
	for i := range r.Fences {
		if f := &r.Fences[i]; !has(r.Checklist, f.ID) {
			off = append(off, r.fenceItem(Item{ID: "off:" + f.ID, Text: f.Title + ": off", Fence: f.ID}, false))
		}
	}
	if off != nil {
		r.Checklist = append(r.Checklist, Group{ID: "fences:off", Title: "Off for the run", Due: -r.Window.Gate, Items: off})
	}
	for i := len(r.Fences) - 1; i >= 0; i-- {
		if f := &r.Fences[i]; !has(r.After, f.ID) {
			r.lift(i, r.fenceItem(Item{ID: "back:" + f.ID, Text: f.Title + ": back as it was", Fence: f.ID}, true))
		}
	}
}

// notSwitched is the help of an item whose fence a rehearsal spares.
const notSwitched = "In a rehearsal this is not switched: it would be the real system's. Tick it; or write `rehearsal: true` into its fence."

// SpareFences takes out what a rehearsal must not switch, since it stands outside
// of the copy: humans tick its items. It gives the titles of those fences.
func (r *Runbook) SpareFences() []string {
	var spared []string
	for _, f := range r.Fences {
		if f.spared() {
			spared = append(spared, f.Title)
		}
	}
	for _, g := range slices.Concat(r.Checklist, r.After) {
		for i, it := range g.Items {
			if f, _ := r.Fence(it.Fence); f != nil && f.spared() {
				g.Items[i].Fence, g.Items[i].Check, g.Items[i].Action = "", nil, nil
				g.Items[i].Help = strings.TrimSpace(it.Help + " " + notSwitched)
			}
		}
	}
	r.Fences = slices.DeleteFunc(r.Fences, Fence.spared)
	return spared
}

// spared reports whether a rehearsal leaves it alone: what is the copy's own, it
// does not.
func (f Fence) spared() bool {
	return f.Kind != FenceTriggers && f.Kind != FenceIndexes && !f.Rehearsal
}

// lift puts an item among the stages after the last COMMIT where it stands in
// no other's way: before those of the fences that were taken before, and behind
// those taken later.
func (r *Runbook) lift(place int, it Item) {
	last, at := -1, 0
	for g := range r.After {
		for i, other := range r.After[g].Items {
			_, j := r.Fence(other.Fence)
			switch {
			case j < 0:
			case j < place:
				r.After[g].Items = slices.Insert(r.After[g].Items, i, it)
				return
			default:
				last, at = g, i+1
			}
		}
	}
	if last >= 0 {
		r.After[last].Items = slices.Insert(r.After[last].Items, at, it)
		return
	}
	r.After = slices.Insert(r.After, 0, Group{ID: "fences:back", Title: "Back as it was", Due: r.Window.Planned, Items: []Item{it}})
}

// has reports whether an item of the groups is of a fence.
func has(groups []Group, fence string) bool {
	return slices.ContainsFunc(groups, func(g Group) bool {
		return slices.ContainsFunc(g.Items, func(it Item) bool { return it.Fence == fence })
	})
}
