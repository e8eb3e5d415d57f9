package cli

import (
	"github.com/spf13/cobra"

	"tminus/ui"
	"tminus/ui/look"
)

// looksFlags are what a person wants of a screen that they drive or watch.
func looksFlags(c *cobra.Command, l *ui.Looks) {
	themeFlag(c, &l.Theme)
	l.Notify = ui.Notify{"bell"}
	c.Flags().BoolVar(&l.NoMouse, "no-mouse", false, "leave the mouse to the terminal: no wheel and no click on the screen")
	c.Flags().Var(&l.Notify, "notify", "how the screen calls, by bell, osc9 and osc99, or off: when a phase waits, a COMMIT is in doubt, the gate closes again or a smoke test fails")
}

func themeFlag(c *cobra.Command, t *look.Theme) {
	*t = look.Auto
	c.Flags().Var(t, "theme", "the screen's colours: light, dark, none, or auto, which is as the terminal's background is, and none where NO_COLOR is set")
	complete := cobra.FixedCompletions([]cobra.Completion{string(look.Auto), string(look.Light), string(look.Dark), string(look.None)}, cobra.ShellCompDirectiveNoFileComp)
	_ = c.RegisterFlagCompletionFunc("theme", complete) // fails for a flag that is not there
}
