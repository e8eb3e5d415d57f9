package sandbox

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// cleanUp waits for the end of its input, then ends the server of the
// directory $1 and removes it. With $2 "watchdog" it waits before, if the
// directory says so, for somebody who adopts the server: that one takes its
// mark of waiting away. It signals a process only if that was started
// with this very directory on its command line, so a pid that now is somebody
// else's is safe.
const cleanUp = `
trap '' HUP INT TERM QUIT
while read -r ignored; do :; done
dir=$1
[ -n "$dir" ] && [ -f "$dir/tminus-sandbox" ] || exit 0
waiting=$dir/lingering.$$
if [ "$2" = watchdog ] && [ -f "$dir/linger" ] && read -r polls <"$dir/linger" && mkdir "$waiting"; then
	while [ "$polls" -gt 0 ] && [ -d "$waiting" ]; do
		polls=$((polls - 1))
		sleep 0.5
	done
	mv "$waiting" "$dir/ending" || exit 0
fi 2>/dev/null
ours() {
	if [ -r "/proc/$1/cmdline" ]; then line=$(tr '\000' ' ' <"/proc/$1/cmdline")
	else line=$(ps -ww -o args= -p "$1"); fi 2>/dev/null
	case $line in *"postgres -D $dir/data "*) return 0 ;; esac
	return 1
}
pid=
read -r pid 2>/dev/null <"$dir/data/postmaster.pid"
case $pid in '' | *[!0-9]*) pid= ;; esac
tries=0
while [ -n "$pid" ] && ours "$pid" && [ $tries -lt 100 ]; do
	[ $tries -eq 0 ] && kill -QUIT "$pid"
	[ $tries -eq 80 ] && kill -KILL "$pid"
	tries=$((tries + 1))
	sleep 0.1
done 2>/dev/null
tries=0
while [ -d "$dir" ] && [ $tries -lt 50 ]; do
	rm -rf -- "$dir" && break
	tries=$((tries + 1))
	sleep 0.1
done 2>/dev/null
exit 0
`

// cleanUpCommand runs cleanUp on a directory, with a role. As ourselves, not as the
// server's user: that one may not be allowed to remove the directory.
func cleanUpCommand(dir, role string) *exec.Cmd {
	self := account{}
	return self.command("/bin/sh", "-c", cleanUp, "sh", dir, role)
}

// watchdog is a process that outlives us for as long as it takes to clean up.
type watchdog struct {
	lifeline io.Closer // the write end of the pipe it waits on; closed by our death at the latest
	cmd      *exec.Cmd
}

// startWatchdog starts one that shares the marker's lock.
func startWatchdog(dir string, marker *os.File) (*watchdog, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	defer r.Close()
	cmd := cleanUpCommand(dir, "watchdog")
	cmd.Stdin = r
	cmd.ExtraFiles = []*os.File{marker}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // out of reach of our terminal's signals
	if err := cmd.Start(); err != nil {
		w.Close()
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	return &watchdog{lifeline: w, cmd: cmd}, nil
}

// close lets the watchdog do its work, and waits for its end.
func (w *watchdog) close() {
	if w == nil {
		return
	}
	w.lifeline.Close()
	_ = w.cmd.Wait() // it always ends well
}

// release leaves the watchdog to its work.
func (w *watchdog) release() {
	w.lifeline.Close()
	go func() { _ = w.cmd.Wait() }() // ends with the watchdog
}
