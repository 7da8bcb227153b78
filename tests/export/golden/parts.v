// parts: a network of look-up tables as logic, made of expressions. Written by lutsmith.
//
// Parts: encoder, network, decision.
// Inputs:
//   x: 3 words of 2 bits: the features of a sample, word k is feature k.
// Outputs:
//   sum: 1 word of 3 bits: an integer, unsigned.
// Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out.
// Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is
// l<l>_<k>, register i is r<i>.
// Instance k of part p is u_<p>_i<k>, its output j <p>_i<k>_o<j>; what is inside of it has the names of
// its module, and what is around instances is numbered without them.
// Latency: none, the logic is combinational.
//
// Features that are words in the network are in the low bits of their words; bits above are not read:
//   features 0 to 1: 2 bits, unsigned; the integer nearest to v,
//     halves down; the lowest or the highest where that is none of them, and 0 for NaN.
//   features 2: 1 bit, unsigned; the integer nearest to v,
//     halves down; the lowest or the highest where that is none of them, and 0 for NaN.
// Other features are read by nothing.

// The modules of all parts stand in one file.
// verilator lint_off DECLFILENAME

// parts_encoder: compares words with thresholds; 0 LUTs in 0 levels.
// Read by nothing: 1 of the bits of the inputs.
// verilator lint_off UNUSEDSIGNAL
module parts_encoder (
  input wire [5:0] x,
  output wire [4:0] bits
);
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg x_0_0, x_0_1, x_1_0, x_1_1, x_2_0;
  always @* begin
    x_0_0 = x[0];
    x_0_1 = x[1];
    x_1_0 = x[2];
    x_1_1 = x[3];
    x_2_0 = x[4];
  end
  assign bits[0] = x_0_0;  // feature 0: bit 0 of its word
  assign bits[1] = x_0_1;  // feature 0: bit 1 of its word
  assign bits[2] = x_1_0;  // feature 1: bit 0 of its word
  assign bits[3] = x_1_1;  // feature 1: bit 1 of its word
  assign bits[4] = x_2_0;  // feature 2: bit 0 of its word
endmodule
// verilator lint_on UNUSEDSIGNAL

// parts_fa: a part of which the network has 2 instances; 2 LUTs in 1 level.
module parts_fa (
  input wire [2:0] i,
  output wire [1:0] o
);
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg i_0, i_1, i_2;
  reg l0_0, l0_1;
  always @* begin
    i_0 = i[0];
    i_1 = i[1];
    i_2 = i[2];
    // Level 0: 2 LUTs.
    l0_0 = i_1 ^ i_0 ^ i_2;
    l0_1 = (i_0 & i_1) | (i_0 & i_2) | (i_1 & i_2);
  end
  assign o[0] = l0_0;
  assign o[1] = l0_1;
endmodule

// parts_network: the look-up tables that were learned; 4 LUTs in 2 levels, instances included: 2 of fa.
module parts_network (
  input wire [4:0] bits,
  output wire [2:0] outputs
);
  wire fa_i0_o0, fa_i0_o1, fa_i1_o0, fa_i1_o1;
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg bits_0, bits_1, bits_2, bits_3, bits_4;
  always @* begin
    bits_0 = bits[0];  // feature 0: bit 0 of its word
    bits_1 = bits[1];  // feature 0: bit 1 of its word
    bits_2 = bits[2];  // feature 1: bit 0 of its word
    bits_3 = bits[3];  // feature 1: bit 1 of its word
    bits_4 = bits[4];  // feature 2: bit 0 of its word
  end
  parts_fa u_fa_i0 (.i({bits_4, bits_2, bits_0}), .o({fa_i0_o1, fa_i0_o0}));
  parts_fa u_fa_i1 (.i({fa_i0_o1, bits_3, bits_1}), .o({fa_i1_o1, fa_i1_o0}));
  assign outputs[0] = fa_i0_o0;
  assign outputs[1] = fa_i1_o0;
  assign outputs[2] = fa_i1_o1;
endmodule

// parts_decision: makes the result of the counts; 0 LUTs in 0 levels.
module parts_decision (
  input wire [2:0] outputs,
  output wire [2:0] sum
);
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg outputs_0, outputs_1, outputs_2;
  always @* begin
    outputs_0 = outputs[0];
    outputs_1 = outputs[1];
    outputs_2 = outputs[2];
  end
  assign sum[0] = outputs_0;
  assign sum[1] = outputs_1;
  assign sum[2] = outputs_2;
endmodule

module parts (
  input wire [5:0] x,
  output wire [2:0] sum
);
  wire [4:0] bits;
  wire [2:0] outputs;
  parts_encoder u_encoder (.x(x), .bits(bits));
  parts_network u_network (.bits(bits), .outputs(outputs));
  parts_decision u_decision (.outputs(outputs), .sum(sum));
endmodule
// verilator lint_on DECLFILENAME
