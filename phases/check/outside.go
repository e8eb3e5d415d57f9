package check

// GitPush is the check that asks a remote also where the runbook names none.
const GitPush = "git.push"

// outside are the checks of what is outside of the database, by name.
var outside = []Kind{
	{Name: "git.file_absent", Means: "path is neither in the folder dir nor in the commit that branch is at, which with remote is the remote's", Takes: []string{"dir", "path", "branch", "remote"}, All: []string{"dir", "path"}},
	{Name: GitPush, Means: "a push of branch to remote (default origin) would be taken, as far as git push --dry-run tells", Takes: []string{"dir", "branch", "remote"}, All: []string{"dir"}},
	{Name: "git.quiet", Means: "the last commit on branch, those of fences aside, is at least min_age old, by its committer's clock; with remote, the branch as the remote has it now", Takes: []string{"dir", "branch", "remote", "min_age"}, All: []string{"dir", "min_age"}},
	{Name: "space.free", Means: "the file system of the folder dir has at least min megabytes left for this user", Takes: []string{"dir", "min"}, All: []string{"dir", "min"}},
	{Name: "ssh.reachable", Means: "host speaks SSH on port (default 22), and has a key with the fingerprint where that is given; nobody logs in", Takes: []string{"host", "port", "fingerprint"}, All: []string{"host"}},
}

// Outside are the checks of what is outside of the database, in the order of
// their names.
func Outside() []Kind { return outside }
