package cli

import (
	_ "embed"
	"fmt"

	"github.com/spf13/cobra"
)

// licencesText names all that is built into the program, and gives each one's
// licence in full. A test holds it against the modules that are built in.
//
//go:embed licences.txt
var licencesText string

func licencesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "licences", Short: "Print the licences of all that is built into the program", Example: "  tminus licences | less",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(c.OutOrStdout(), licencesText)
			return Failed(err)
		},
	}
}
