// Drives plutigo, the machine of the node Dingo, by the driver protocol (docs/reference/driver-protocol.md). Decoder and
// machines reuse their memory. Programs are kept outside of the heap, which is collected the more seldom the more is in
// it, and decoded to run.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/blinklabs-io/plutigo/cek"
	"github.com/blinklabs-io/plutigo/data"
	"github.com/blinklabs-io/plutigo/lang"
	"github.com/blinklabs-io/plutigo/syn"
)

const module, slippage, access = "github.com/blinklabs-io/plutigo", 200, syscall.PROT_READ | syscall.PROT_WRITE

var languages = map[string]lang.LanguageVersion{
	"PlutusV1": lang.LanguageVersionV1, "PlutusV2": lang.LanguageVersionV2, "PlutusV3": lang.LanguageVersionV3,
}

type object = map[string]any
type program = syn.Program[syn.DeBruijn]
type hexBytes []byte

type request struct {
	Type, Language, Work string
	Request, Program     uint64
	Programs             []uint64
	Flat                 hexBytes
	Arguments            []hexBytes
	Budget               cek.ExBudget
	Iterations           int
	ProtocolVersion      uint    `json:"protocol_version"`
	CostModel            []int64 `json:"cost_model"`
	WarmUp               int     `json:"warm_up"`
}

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	if *b, err = syscall.Mmap(-1, 0, max(hex.DecodedLen(len(text)), 1), access, syscall.MAP_ANON|syscall.MAP_PRIVATE); err == nil {
		_, err = hex.Decode(*b, text)
	}
	return err
}

type kept struct {
	*request
	program *program
	machine *cek.Machine[syn.DeBruijn]
	result  syn.Term[syn.DeBruijn]
	left    cek.ExBudget
}

type driver struct {
	decoder  *syn.DeBruijnDecoder
	machines map[string]*cek.Machine[syn.DeBruijn]
	programs map[uint64]*kept
}

// machine gives one for each language, protocol version and cost model.
func (d *driver) machine(r *request) (*cek.Machine[syn.DeBruijn], error) {
	key := fmt.Sprint(r.Language, r.ProtocolVersion, r.CostModel)
	if found, ok := d.machines[key]; ok {
		return found, nil
	}
	version, ok := languages[r.Language]
	if !ok {
		return nil, fmt.Errorf("no language %s", r.Language)
	}
	protocol := cek.ProtoVersion{Major: r.ProtocolVersion}
	context, err := cek.NewDefaultEvalContext(version, protocol), error(nil)
	if r.CostModel != nil {
		context, err = cek.NewEvalContext(version, protocol, r.CostModel)
	}
	if err == nil {
		d.machines[key] = cek.NewMachine[syn.DeBruijn](version, slippage, context)
	}
	return d.machines[key], err
}

func (k *kept) decoded(decode func([]byte) (*program, error)) (*program, error) {
	made, err := decode(k.Flat)
	for at := 0; err == nil && at < len(k.Arguments); at++ {
		var inner data.PlutusData
		if inner, err = data.Decode(k.Arguments[at]); err == nil {
			made.Term = &syn.Apply[syn.DeBruijn]{Function: made.Term, Argument: &syn.Constant{Con: &syn.Data{Inner: inner}}}
		}
	}
	return made, err
}

func (d *driver) load(r *request) (err error) {
	k := &kept{request: r}
	if k.machine, err = d.machine(r); err != nil {
		return err
	}
	if _, err = k.decoded(syn.Decode[syn.DeBruijn]); err == nil {
		d.programs[r.Program] = k
	}
	return err
}

func (d *driver) once(k *kept, evaluating bool) (err error) {
	if evaluating {
		k.machine.ExBudget = k.Budget
		k.result, err = k.machine.Run(k.program.Term)
		k.left = k.machine.ExBudget
		return err
	}
	_, err = k.decoded(d.decoder.Decode)
	return err
}

func (k *kept) outcome() object {
	spent := k.Budget.Sub(&k.left)
	found := object{"cpu": spent.Cpu, "mem": spent.Mem}
	if flat, err := syn.Encode(&program{Version: k.program.Version, Term: k.result}); err == nil {
		found["digest"] = fmt.Sprintf("%x", sha256.Sum256(flat))
	}
	return found
}

func (d *driver) time(r *request) (_ object, err error) {
	programs, results, evaluating := []*kept{}, []object{}, r.Work == "evaluate"
	for _, number := range r.Programs {
		k, ok := d.programs[number]
		if !ok {
			return nil, fmt.Errorf("no program %d is loaded", number)
		}
		programs = append(programs, k)
		if k.program, err = k.decoded(syn.Decode[syn.DeBruijn]); err != nil {
			return nil, err
		}
		defer func() { k.program, k.result = nil, nil }()
	}
	if r.WarmUp > 0 {
		runtime.GC() // so that what others left is not collected now
	}
	var begin time.Time
	for _, turns := range []int{r.WarmUp, r.Iterations} {
		begin = time.Now()
		for turn := range turns {
			if err = d.once(programs[turn%len(programs)], evaluating); err != nil {
				return nil, err
			}
		}
	}
	elapsed := time.Since(begin)
	for _, k := range programs[:min(len(programs), r.Iterations)] {
		if evaluating {
			results = append(results, k.outcome())
		}
	}
	return object{"type": "timed", "ns": elapsed.Nanoseconds(), "results": results}, nil
}

func (d *driver) answer(r *request) (found object) {
	kind, err := "refused", error(nil)
	if r.Type == "load" {
		found, err = object{"type": "loaded"}, d.load(r)
	} else if found, err = d.time(r); err != nil {
		kind = "failed"
		if code, known := cek.GetErrorCode(err); known && code <= cek.ErrCodeCPUExhausted {
			kind = "out_of_budget" // these codes come first
		}
	}
	if err != nil {
		found = object{"type": kind, "reason": err.Error()}
	}
	found["request"] = r.Request
	return found
}

func main() {
	info, _ := debug.ReadBuildInfo()
	at := slices.IndexFunc(info.Deps, func(each *debug.Module) bool { return each.Path == module })
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(object{
		"type": "hello", "protocol": 1, "evaluator": "plutigo", "version": info.Deps[at].Version,
		"build": "default flags, " + os.Getenv("GODEBUG"), "runtime": runtime.Version(), "clock": "time.Now", "resolution_ns": 1,
		"capabilities": object{
			"languages": []string{"PlutusV1", "PlutusV2", "PlutusV3"}, "protocol_versions": []int{9, 10, 11}, "compiler": false,
			"cost_model": "given", "ex_units": true, "decode": true, "arguments": true, "results": "flat", "collector": true,
		},
	})
	d := &driver{syn.NewDeBruijnDecoder(), map[string]*cek.Machine[syn.DeBruijn]{}, map[uint64]*kept{}}
	requests := json.NewDecoder(os.Stdin)
	for r := new(request); requests.Decode(r) == nil; r = new(request) {
		_ = out.Encode(d.answer(r))
	}
}
