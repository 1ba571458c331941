// Times plutigo by the protocol of benches/driver.py.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/blinklabs-io/plutigo/cek"
	"github.com/blinklabs-io/plutigo/lang"
	"github.com/blinklabs-io/plutigo/syn"
)

const (
	module   = "github.com/blinklabs-io/plutigo"
	slippage = 200
)

var budget = cek.ExBudget{Cpu: 1_000_000_000_000, Mem: 10_000_000_000}

type request struct {
	work       string
	iterations int
	flat       []byte
}

func parse(line string) (request, error) {
	parts := strings.SplitN(line, "\t", 3)
	if len(parts) != 3 {
		return request{}, errors.New("not a request: " + line)
	}
	iterations, err := strconv.Atoi(parts[1])
	if err != nil {
		return request{}, err
	}
	flat, err := os.ReadFile(parts[2])
	return request{parts[0], iterations, flat}, err
}

// timed runs the warm-up, then the iterations between two readings of the monotonic clock.
func timed(r request, run func() error) (time.Duration, error) {
	for range r.iterations / 8 {
		if err := run(); err != nil {
			return 0, err
		}
	}
	begin := time.Now()
	for range r.iterations {
		if err := run(); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// driver keeps a decoder and a machine, which reuse their memory from run to run.
type driver struct {
	decoder *syn.DeBruijnDecoder
	machine *cek.Machine[syn.DeBruijn]
}

func newDriver() driver {
	context := cek.NewDefaultEvalContext(lang.LanguageVersionV3, cek.ProtoVersion{Major: 11})
	return driver{
		decoder: syn.NewDeBruijnDecoder(),
		machine: cek.NewMachine[syn.DeBruijn](lang.LanguageVersionV3, slippage, context),
	}
}

func (d driver) decode(r request) (string, error) {
	elapsed, err := timed(r, func() error {
		program, err := d.decoder.Decode(r.flat)
		runtime.KeepAlive(program)
		return err
	})
	return fmt.Sprintf("ok\t%d", elapsed.Nanoseconds()), err
}

func (d driver) evaluate(r request) (string, error) {
	program, err := syn.Decode[syn.DeBruijn](r.flat)
	if err != nil {
		return "", err
	}
	elapsed, err := timed(r, func() error {
		d.machine.ExBudget = budget
		result, err := d.machine.Run(program.Term)
		runtime.KeepAlive(result)
		return err
	})
	spent := budget.Sub(&d.machine.ExBudget)
	return fmt.Sprintf("ok\t%d\t%d\t%d", elapsed.Nanoseconds(), spent.Cpu, spent.Mem), err
}

func (d driver) answer(line string) (string, error) {
	r, err := parse(line)
	if err != nil {
		return "", err
	}
	switch r.work {
	case "decode":
		return d.decode(r)
	case "evaluate":
		return d.evaluate(r)
	}
	return "", errors.New("no such work: " + r.work)
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	return "unknown"
}

func main() {
	fmt.Printf("ready\tplutigo %s\t%s, default flags\n", version(), runtime.Version())
	d := newDriver()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		text, err := d.answer(lines.Text())
		if err != nil {
			text = "fail\t" + strings.Join(strings.Fields(err.Error()), " ")
		}
		fmt.Println(text)
	}
}
