// Drives plutigo, the machine of the node Dingo, by version 1 of the driver protocol
// (docs/reference/driver-protocol.md). Decoder and machines reuse their memory from run to run.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/blinklabs-io/plutigo/cek"
	"github.com/blinklabs-io/plutigo/data"
	"github.com/blinklabs-io/plutigo/lang"
	"github.com/blinklabs-io/plutigo/syn"
)

const (
	module   = "github.com/blinklabs-io/plutigo"
	slippage = 200
	longest  = 64 << 20 // bytes of a request
)

var languages = map[string]lang.LanguageVersion{
	"PlutusV1": lang.LanguageVersionV1,
	"PlutusV2": lang.LanguageVersionV2,
	"PlutusV3": lang.LanguageVersionV3,
}

type object = map[string]any

type request struct {
	Type            string   `json:"type"`
	Request         uint64   `json:"request"`
	Program         uint64   `json:"program"`
	Flat            string   `json:"flat"`
	Arguments       []string `json:"arguments"`
	Language        string   `json:"language"`
	ProtocolVersion uint     `json:"protocol_version"`
	CostModel       []int64  `json:"cost_model"`
	Budget          struct{ Cpu, Mem int64 }
	Work            string   `json:"work"`
	Programs        []uint64 `json:"programs"`
	WarmUp          int      `json:"warm_up"`
	Iterations      int      `json:"iterations"`
}

type kept struct {
	flat      []byte
	arguments [][]byte
	program   *syn.Program[syn.DeBruijn]
	machine   *cek.Machine[syn.DeBruijn]
	budget    cek.ExBudget
	result    syn.Term[syn.DeBruijn]
	left      cek.ExBudget
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
		return nil, errors.New("no language " + r.Language)
	}
	protocol := cek.ProtoVersion{Major: r.ProtocolVersion}
	context := cek.NewDefaultEvalContext(version, protocol)
	if r.CostModel != nil {
		var err error
		if context, err = cek.NewEvalContext(version, protocol, r.CostModel); err != nil {
			return nil, err
		}
	}
	d.machines[key] = cek.NewMachine[syn.DeBruijn](version, slippage, context)
	return d.machines[key], nil
}

func apply(program *syn.Program[syn.DeBruijn], arguments [][]byte) error {
	for _, argument := range arguments {
		inner, err := data.Decode(argument)
		if err != nil {
			return err
		}
		constant := &syn.Constant{Con: &syn.Data{Inner: inner}}
		program.Term = &syn.Apply[syn.DeBruijn]{Function: program.Term, Argument: constant}
	}
	return nil
}

func (d *driver) load(r *request) error {
	flat, err := hex.DecodeString(r.Flat)
	if err != nil {
		return err
	}
	k := &kept{flat: flat, budget: cek.ExBudget{Cpu: r.Budget.Cpu, Mem: r.Budget.Mem}}
	if k.machine, err = d.machine(r); err != nil {
		return err
	}
	for _, text := range r.Arguments {
		argument, err := hex.DecodeString(text)
		if err != nil {
			return err
		}
		k.arguments = append(k.arguments, argument)
	}
	if k.program, err = syn.Decode[syn.DeBruijn](flat); err != nil {
		return err
	}
	d.programs[r.Program] = k
	return apply(k.program, k.arguments)
}

func (d *driver) once(k *kept, evaluating bool) (err error) {
	if !evaluating {
		program, err := d.decoder.Decode(k.flat)
		if err == nil {
			err = apply(program, k.arguments)
		}
		runtime.KeepAlive(program)
		return err
	}
	k.machine.ExBudget = k.budget
	k.result, err = k.machine.Run(k.program.Term)
	k.left = k.machine.ExBudget
	return err
}

func (k *kept) outcome() object {
	spent := k.budget.Sub(&k.left)
	found := object{"cpu": spent.Cpu, "mem": spent.Mem}
	result := &syn.Program[syn.DeBruijn]{Version: k.program.Version, Term: k.result}
	if flat, err := syn.Encode(result); err == nil {
		digest := sha256.Sum256(flat)
		found["digest"] = hex.EncodeToString(digest[:])
	}
	return found
}

func (d *driver) time(r *request) (object, error) {
	programs := make([]*kept, 0, len(r.Programs))
	for _, number := range r.Programs {
		k, ok := d.programs[number]
		if !ok {
			return nil, fmt.Errorf("no program %d is loaded", number)
		}
		programs = append(programs, k)
	}
	evaluating := r.Work == "evaluate"
	var begin time.Time
	for _, turns := range []int{r.WarmUp, r.Iterations} {
		begin = time.Now()
		for turn := range turns {
			if err := d.once(programs[turn%len(programs)], evaluating); err != nil {
				return nil, err
			}
		}
	}
	elapsed := time.Since(begin)
	results := []object{}
	if evaluating {
		for _, k := range programs[:min(len(programs), r.Iterations)] {
			results = append(results, k.outcome())
		}
	}
	return object{"type": "timed", "ns": elapsed.Nanoseconds(), "results": results}, nil
}

func (d *driver) answer(r *request) object {
	found, err, kind := object{"type": "loaded"}, error(nil), "refused"
	switch r.Type {
	case "load":
		err = d.load(r)
	case "time":
		found, err = d.time(r)
		kind = "failed"
		if code, known := cek.GetErrorCode(err); known && code <= cek.ErrCodeCPUExhausted {
			kind = "out_of_budget" // these codes come first
		}
	default:
		err = errors.New("not a request: " + r.Type)
	}
	if err != nil {
		found = object{"type": kind, "reason": err.Error()}
	}
	found["request"] = r.Request
	return found
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	at := slices.IndexFunc(info.Deps, func(each *debug.Module) bool { return each.Path == module })
	return info.Deps[at].Version
}

func main() {
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(object{
		"type": "hello", "protocol": 1, "evaluator": "plutigo", "version": version(), "build": "default flags",
		"runtime": runtime.Version(), "clock": "time.Now", "resolution_ns": 1,
		"capabilities": object{
			"languages":         []string{"PlutusV1", "PlutusV2", "PlutusV3"},
			"protocol_versions": []int{9, 10, 11},
			"cost_model":        "given", "ex_units": true, "decode": true, "arguments": true, "results": "flat",
			"collector": true, "compiler": false,
		},
	})
	d := &driver{syn.NewDeBruijnDecoder(), map[string]*cek.Machine[syn.DeBruijn]{}, map[uint64]*kept{}}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<20), longest)
	for lines.Scan() {
		r := &request{}
		if err := json.Unmarshal(lines.Bytes(), r); err != nil {
			r.Type = err.Error()
		}
		_ = out.Encode(d.answer(r))
	}
}
