"""Reading a prompt and continuing it with llama.cpp, timed as `gearhead bench --work generation` times Gearhead.

    python llama_cpp_generation.py MODEL.gguf [--prompt-tokens 128] [--new-tokens 64] [--batch 1] [--runs 5]
"""

import argparse
import ctypes
import json
import time

import llama_cpp


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--prompt-tokens", type=int, default=128)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    llama_cpp.llama_log_set(silent, None)
    llama_cpp.llama_backend_init()
    parameters = llama_cpp.llama_model_default_params()
    model = llama_cpp.llama_model_load_from_file(args.model.encode(), parameters)
    vocab_size = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    options = llama_cpp.llama_context_default_params()
    options.n_ctx = args.batch * (args.prompt_tokens + args.new_tokens + 8)
    options.n_batch = options.n_ubatch = max(512, args.batch * args.prompt_tokens)
    options.n_seq_max = args.batch
    options.n_threads = options.n_threads_batch = args.threads
    context = llama_cpp.llama_init_from_model(model, options)
    memory = llama_cpp.llama_get_memory(context)
    batch = llama_cpp.llama_batch_init(options.n_batch, 0, 1)
    ids_of = lambda place: (7919 * place + 12345) % 104729 % vocab_size
    prompts = [[ids_of(row * (args.prompt_tokens + 1) + i) for i in range(args.prompt_tokens)] for row in range(args.batch)]

    def decode(rows, first):
        """Gives each sequence its new tokens; the logits of its last one are wanted."""
        count = 0
        for row, ids in enumerate(rows):
            for i, token in enumerate(ids):
                batch.token[count] = token
                batch.pos[count] = first + i
                batch.n_seq_id[count] = 1
                batch.seq_id[count][0] = row
                batch.logits[count] = i == len(ids) - 1
                count += 1
        batch.n_tokens = count
        assert llama_cpp.llama_decode(context, batch) == 0
        llama_cpp.llama_synchronize(context)
        return [largest(llama_cpp.llama_get_logits_ith(context, index)) for index in last_places(rows)]

    def last_places(rows):
        end = 0
        for ids in rows:
            end += len(ids)
            yield end - 1

    import numpy

    def largest(logits):
        pointer = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float))
        return int(numpy.ctypeslib.as_array(pointer, shape=(vocab_size,)).argmax())

    reading, continuing = [], []
    for _ in range(args.runs + 1):
        llama_cpp.llama_memory_clear(memory, True)
        start = time.perf_counter()
        ids = decode(prompts, 0)
        reading.append(time.perf_counter() - start)
        start = time.perf_counter()
        for step in range(args.new_tokens):
            ids = decode([[token] for token in ids], args.prompt_tokens + step)
        continuing.append(time.perf_counter() - start)
    works = [
        (f"reading {args.prompt_tokens} tokens", args.prompt_tokens, reading),
        (f"{args.new_tokens} tokens after {args.prompt_tokens}", args.new_tokens, continuing),
    ]
    print(json.dumps({"measured": [
        {"work": f"{work}, {args.batch} at a time", "tokens": args.batch * tokens, "seconds": seconds[1:]}
        for work, tokens, seconds in works
    ]}))


@llama_cpp.llama_log_callback
def silent(level, text, data):
    pass


if __name__ == "__main__":
    main()
