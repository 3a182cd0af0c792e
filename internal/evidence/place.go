package evidence

import (
	"errors"
	"os"
	"path/filepath"
)

// Place gives a file that was written whole its name. Under it there is never half a one: what
// was written is on the disk before the name is, and the name before Place returns. Of an error
// nothing is left under that name.
func Place(part *os.File, to string) error {
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), to); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(to))
	if err == nil {
		err = errors.Join(folder.Sync(), folder.Close())
	}
	if err != nil {
		return errors.Join(err, os.Remove(to)) // who can't be sure of it says that it is gone
	}
	return nil
}
