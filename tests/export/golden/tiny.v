// tiny: a network of look-up tables as logic, made of expressions. Written by lutsmith.
//
// Parts: encoder, network, popcount, decision.
// Inputs:
//   x: 6 words of 3 bits: the features of a sample, word k is feature k.
// Outputs:
//   label: 1 word of 2 bits: the class of the highest score, unsigned; the lowest class wins a tie.
//   scores: 4 words of 3 bits: word c is the score of class c, unsigned.
// Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out.
// Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is
// l<l>_<k>, register i is r<i>.
// Latency: none, the logic is combinational.
//
// The word of a number v is the lowest w, 0 to 7, whose value low + w / per_unit is not below v:
// v is rounded up. Numbers below low become word 0, numbers above all values word 7, NaN word 0.
// All features: low -3.0, per_unit 1.0.
//
//   class 0: "a \"quoted\" \\ one"
//   class 1: "*\/ ??/ <b>"
//   class 2: "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
//   class 3: ""

// The modules of all parts stand in one file.
// verilator lint_off DECLFILENAME

// tiny_encoder: compares words with thresholds; 9 LUTs in 1 level.
module tiny_encoder (
  input wire [17:0] x,
  output wire [23:0] bits
);
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg x_0_0, x_0_1, x_0_2, x_1_0, x_1_1, x_1_2, x_2_0, x_2_1, x_2_2, x_3_0, x_3_1, x_3_2, x_4_0, x_4_1;
  reg x_4_2, x_5_0, x_5_1, x_5_2;
  reg l0_0, l0_1, l0_2, l0_3, l0_4, l0_5, l0_6, l0_7, l0_8;
  always @* begin
    x_0_0 = x[0];
    x_0_1 = x[1];
    x_0_2 = x[2];
    x_1_0 = x[3];
    x_1_1 = x[4];
    x_1_2 = x[5];
    x_2_0 = x[6];
    x_2_1 = x[7];
    x_2_2 = x[8];
    x_3_0 = x[9];
    x_3_1 = x[10];
    x_3_2 = x[11];
    x_4_0 = x[12];
    x_4_1 = x[13];
    x_4_2 = x[14];
    x_5_0 = x[15];
    x_5_1 = x[16];
    x_5_2 = x[17];
    // Level 0: 9 LUTs.
    l0_0 = x_4_1 | x_4_2;
    l0_1 = x_5_1 | x_5_2;
    l0_2 = (x_0_0 & x_0_1) | x_0_2;
    l0_3 = x_1_2 & (x_1_0 | x_1_1);
    l0_4 = (x_1_0 & x_1_1) | x_1_2;
    l0_5 = (x_2_0 & x_2_1) | x_2_2;
    l0_6 = (x_3_0 & x_3_1) | x_3_2;
    l0_7 = (x_4_0 & x_4_1) | x_4_2;
    l0_8 = (x_5_0 & x_5_1) | x_5_2;
  end
  assign bits[0] = l0_2;  // feature 0 at (0, 0) "age" > -0.89059186: word > 2
  assign bits[1] = l0_2;  // feature 0 at (0, 0) "age" > -0.274137855: word > 2
  assign bits[2] = x_0_2;  // feature 0 at (0, 0) "age" > 0.00123015337: word > 3
  assign bits[3] = x_0_2;  // feature 0 at (0, 0) "age" > 0.298745543: word > 3
  assign bits[4] = l0_4;  // feature 1 at (0, 1) "a \"b\" \\c" > -0.991646528: word > 2
  assign bits[5] = l0_4;  // feature 1 at (0, 1) "a \"b\" \\c" > -0.454670787: word > 2
  assign bits[6] = x_1_2;  // feature 1 at (0, 1) "a \"b\" \\c" > 0.0601436011: word > 3
  assign bits[7] = l0_3;  // feature 1 at (0, 1) "a \"b\" \\c" > 1.34021521: word > 4
  assign bits[8] = l0_5;  // feature 2 at (0, 2) "*\/" > -0.620474875: word > 2
  assign bits[9] = l0_5;  // feature 2 at (0, 2) "*\/" > -0.492206514: word > 2
  assign bits[10] = x_2_2;  // feature 2 at (0, 2) "*\/" > 0.356887013: word > 3
  assign bits[11] = x_2_2;  // feature 2 at (0, 2) "*\/" > 0.489842057: word > 3
  assign bits[12] = l0_6;  // feature 3 at (1, 0) "??=" > -0.930468023: word > 2
  assign bits[13] = l0_6;  // feature 3 at (1, 0) "??=" > -0.0292518232: word > 2
  assign bits[14] = x_3_2;  // feature 3 at (1, 0) "??=" > 0.105414249: word > 3
  assign bits[15] = x_3_2;  // feature 3 at (1, 0) "??=" > 0.695303202: word > 3
  assign bits[16] = l0_0;  // feature 4 at (1, 1) "\u00df" > -1.90122271: word > 1
  assign bits[17] = l0_0;  // feature 4 at (1, 1) "\u00df" > -1.34421456: word > 1
  assign bits[18] = l0_0;  // feature 4 at (1, 1) "\u00df" > -1.28953779: word > 1
  assign bits[19] = l0_7;  // feature 4 at (1, 1) "\u00df" > -0.457615763: word > 2
  assign bits[20] = l0_1;  // feature 5 at (1, 2) "age" > -1.84173501: word > 1
  assign bits[21] = l0_1;  // feature 5 at (1, 2) "age" > -1.26744652: word > 1
  assign bits[22] = l0_8;  // feature 5 at (1, 2) "age" > -0.235091135: word > 2
  assign bits[23] = x_5_2;  // feature 5 at (1, 2) "age" > 0.271264344: word > 3
endmodule

// tiny_network: the look-up tables that were learned; 74 LUTs in 9 levels.
// Read by nothing: 12 of the registers and LUTs.
// verilator lint_off UNUSEDSIGNAL
module tiny_network (
  input wire [23:0] bits,
  output wire [23:0] outputs
);
  wire l0_0 = 1'b1;
  wire l0_1 = 1'b0;
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg bits_0, bits_1, bits_2, bits_3, bits_4, bits_5, bits_6, bits_7, bits_8, bits_9, bits_10, bits_11;
  reg bits_12, bits_13, bits_14, bits_15, bits_16, bits_17, bits_18, bits_19, bits_20, bits_21, bits_22;
  reg bits_23;
  reg l1_0, l1_1, l1_2, l1_3, l1_4, l1_5, l1_6, l1_7, l1_8, l1_9, l1_10, l1_11, l1_12, l1_13, l1_14, l1_15;
  reg l1_16, l1_17, l1_18, l2_0, l2_1, l2_2, l2_3, l2_4, l2_5, l2_6, l2_7, l2_8, l2_9, l2_10, l2_11, l2_12;
  reg l2_13, l2_14, l3_0, l3_1, l3_2, l3_3, l3_4, l3_5, l3_6, l3_7, l3_8, l3_9, l3_10, l3_11, l3_12, l3_13;
  reg l3_14, l4_0, l4_1, l4_2, l4_3, l4_4, l4_5, l4_6, l4_7, l4_8, l5_0, l5_1, l5_2, l5_3, l5_4, l5_5;
  reg l5_6, l6_0, l6_1, l6_2, l6_3, l7_0, l7_1, l8_0;
  always @* begin
    bits_0 = bits[0];  // feature 0 at (0, 0) "age" > -0.89059186: word > 2
    bits_1 = bits[1];  // feature 0 at (0, 0) "age" > -0.274137855: word > 2
    bits_2 = bits[2];  // feature 0 at (0, 0) "age" > 0.00123015337: word > 3
    bits_3 = bits[3];  // feature 0 at (0, 0) "age" > 0.298745543: word > 3
    bits_4 = bits[4];  // feature 1 at (0, 1) "a \"b\" \\c" > -0.991646528: word > 2
    bits_5 = bits[5];  // feature 1 at (0, 1) "a \"b\" \\c" > -0.454670787: word > 2
    bits_6 = bits[6];  // feature 1 at (0, 1) "a \"b\" \\c" > 0.0601436011: word > 3
    bits_7 = bits[7];  // feature 1 at (0, 1) "a \"b\" \\c" > 1.34021521: word > 4
    bits_8 = bits[8];  // feature 2 at (0, 2) "*\/" > -0.620474875: word > 2
    bits_9 = bits[9];  // feature 2 at (0, 2) "*\/" > -0.492206514: word > 2
    bits_10 = bits[10];  // feature 2 at (0, 2) "*\/" > 0.356887013: word > 3
    bits_11 = bits[11];  // feature 2 at (0, 2) "*\/" > 0.489842057: word > 3
    bits_12 = bits[12];  // feature 3 at (1, 0) "??=" > -0.930468023: word > 2
    bits_13 = bits[13];  // feature 3 at (1, 0) "??=" > -0.0292518232: word > 2
    bits_14 = bits[14];  // feature 3 at (1, 0) "??=" > 0.105414249: word > 3
    bits_15 = bits[15];  // feature 3 at (1, 0) "??=" > 0.695303202: word > 3
    bits_16 = bits[16];  // feature 4 at (1, 1) "\u00df" > -1.90122271: word > 1
    bits_17 = bits[17];  // feature 4 at (1, 1) "\u00df" > -1.34421456: word > 1
    bits_18 = bits[18];  // feature 4 at (1, 1) "\u00df" > -1.28953779: word > 1
    bits_19 = bits[19];  // feature 4 at (1, 1) "\u00df" > -0.457615763: word > 2
    bits_20 = bits[20];  // feature 5 at (1, 2) "age" > -1.84173501: word > 1
    bits_21 = bits[21];  // feature 5 at (1, 2) "age" > -1.26744652: word > 1
    bits_22 = bits[22];  // feature 5 at (1, 2) "age" > -0.235091135: word > 2
    bits_23 = bits[23];  // feature 5 at (1, 2) "age" > 0.271264344: word > 3
    // Level 0: 2 LUTs.
    // Level 1: 19 LUTs.
    l1_0 = ~bits_11;
    l1_1 = 1'b1;
    l1_2 = 1'b1;
    l1_3 = bits_13;
    l1_4 = ~(bits_7 & bits_14);
    l1_5 = ~(bits_11 | bits_7);
    l1_6 = bits_5 | ~bits_2;
    l1_7 = l0_1 ? (bits_1 & bits_16) : (bits_1 | bits_16);
    l1_8 = bits_3 ? ~(bits_8 & bits_18) : bits_18;
    l1_9 = bits_21 ? (~bits_13 | (bits_16 ^ bits_9)) : (bits_13 ^ (bits_16 & bits_9));
    l1_10 = bits_11 ? (bits_0 ^ (bits_0 & ~l0_1)) : (~bits_0 & (l0_1 | bits_0));
    l1_11 = 1'b0;
    l1_12 = bits_1;
    l1_13 = ~(bits_13 & bits_6);
    l1_14 = ~(bits_23 & bits_4);
    l1_15 = bits_6 ? bits_1 : ~bits_8;
    l1_16 = bits_18 ? (bits_18 & ~bits_22) : (bits_18 | ~bits_22);
    l1_17 = ~bits_13;
    l1_18 = ~bits_20;
    // Level 2: 15 LUTs.
    l2_0 = ~(l1_3 & bits_0);
    l2_1 = bits_17 | ~(bits_6 & l1_5);
    l2_2 = ~l1_2 & (l0_0 ^ bits_21);
    l2_3 = l1_5 ? (~bits_15 & (bits_1 | bits_3)) : (bits_15 | (bits_3 ^ ~bits_1));
    l2_4 = ~((bits_15 & ~l1_7) | (~bits_15 & l1_7 & bits_8) | (l1_7 & ~l1_7 & ~bits_8));
    l2_5 = bits_18 ? (bits_2 ? ~((l1_7 & l1_2) | bits_14) : (l1_7 ^ (l1_2 & ~bits_14))) : (l1_2 ? ~bits_2 : (l1_7 | (bits_14 & ~bits_2)));
    l2_6 = l1_7 ? (bits_14 ? (bits_11 | ~(l0_0 | l1_2)) : (l0_0 & (l1_2 | ~bits_11))) : (bits_14 | (l1_2 ^ (l0_0 | bits_11)));
    l2_7 = 1'b1;
    l2_8 = bits_3 ? ~l1_1 : (l1_1 & ~bits_15);
    l2_9 = bits_11 ? (bits_18 ? (l1_6 ^ bits_6) : bits_19) : (bits_19 ? (bits_18 ^ ~(l1_6 | bits_6)) : (bits_6 | ~(l1_6 | bits_18)));
    l2_10 = bits_7 ? (bits_20 ? (l1_3 ^ (l1_0 ? (bits_12 | l0_0) : ~bits_12)) : (~l0_0 & l1_3 & (l1_0 ^ bits_12))) : (l1_3 ? (l1_0 ? (bits_20 & (l0_0 | ~bits_12)) : (bits_12 | (bits_20 & ~l0_0))) : (l0_0 & (~bits_12 | (bits_20 ^ ~l1_0))));
    l2_11 = 1'b0;
    l2_12 = 1'b0;
    l2_13 = l1_16 ^ bits_16;
    l2_14 = bits_16 & (bits_22 ^ l1_16);
    // Level 3: 15 LUTs.
    l3_0 = bits_22 ? (l1_6 ? (bits_21 & (l2_0 ^ ~l1_8)) : (l1_8 | (bits_21 ^ l2_0))) : (l1_6 ? (l2_0 ^ (l1_8 | bits_21)) : (l2_0 & (bits_21 | ~l1_8)));
    l3_1 = l1_10 ? (bits_17 ^ (l1_9 ? (l2_3 & ~bits_6) : ~l2_3)) : (l2_3 ? (bits_6 ^ ~l1_9) : (~bits_17 | (l1_9 & ~bits_6)));
    l3_2 = l1_9 ? (l1_6 ? (l1_10 & (bits_5 ^ (l2_5 | ~l2_5))) : (l2_5 | (l2_5 & ~bits_5))) : (l2_5 ? (l1_10 ? (bits_5 ^ ~(l1_6 & l2_5)) : (bits_5 & (l1_6 | ~l2_5))) : (bits_5 ? (l1_10 & (l1_6 ^ l2_5)) : (l2_5 | l1_6 | ~l1_10)));
    l3_3 = l1_5 ? (l0_0 ? (l1_7 ? ~l2_1 : (~l2_4 & (l2_4 ^ ~l2_1))) : (l2_1 ? (~l1_7 | (l2_4 ^ l2_4)) : (~l2_4 | (l1_7 & ~l2_4)))) : (l2_4 ? ~((~l1_7 & l2_4) | (~l2_1 & ~l0_0)) : (l2_4 ? (l0_0 & (l2_1 | ~l1_7)) : (l0_0 ^ l2_1 ^ ~l1_7)));
    l3_4 = bits_1 ? (l2_5 ? (l1_8 ? (bits_7 ? ~bits_13 : (bits_13 | bits_2)) : (bits_2 ^ ~bits_13)) : (bits_13 ? bits_7 : (l1_8 ^ bits_2))) : (l1_8 ? (bits_2 ? (bits_13 ^ ~l2_5) : (bits_13 & l2_5 & ~bits_7)) : (bits_7 | (bits_13 ^ (l2_5 | bits_2))));
    l3_5 = bits_11 ? (bits_19 ? (l2_0 ? (bits_0 ^ (bits_11 | ~bits_11)) : (bits_11 & (bits_0 | ~bits_11))) : (~bits_11 & (bits_11 ^ (bits_0 | ~l2_0)))) : (bits_11 ? (bits_0 ? ((bits_19 & l2_0) | ~bits_11) : (bits_19 | l2_0)) : (l2_0 ? (bits_19 & ~(bits_0 & bits_11)) : (bits_0 | bits_11)));
    l3_6 = 1'b1;
    l3_7 = l1_7 ^ l2_7;
    l3_8 = bits_16 ? (~l1_12 | (bits_16 & ~l2_0)) : bits_16;
    l3_9 = l1_6 ? (l1_3 & (l2_6 ^ l1_9)) : (l2_6 | l1_3 | ~l1_9);
    l3_10 = bits_21 ? (l1_13 ? ~l1_16 : (l2_3 ? (l1_16 | ~bits_10) : bits_10)) : (bits_10 ? (l1_16 ^ ~l1_13) : (l1_16 ? (l2_3 | ~l1_13) : (l1_13 | ~l2_3)));
    l3_11 = l1_15 ? (l2_3 ? (l2_1 ^ l2_4 ^ (l1_15 & ~bits_20)) : (l1_15 & ~l2_1 & (bits_20 ^ l2_4))) : (l1_15 ? (l2_3 ? (bits_20 ^ (l2_4 & ~l2_1)) : (l2_4 ? ~bits_20 : l2_1)) : (l2_3 ? (l2_4 | (l2_1 ^ ~bits_20)) : (bits_20 | ~l2_1)));
    l3_12 = ~l2_7;
    l3_13 = l0_0 ? (l1_9 & (l2_2 | l2_0)) : (l1_9 | (l2_2 & l2_0));
    l3_14 = l1_0 ? (bits_6 & ~l2_6) : (l1_11 ^ (bits_6 | ~l2_6));
    // Level 4: 9 LUTs.
    l4_0 = 1'b0;
    l4_1 = bits_8 ^ (l3_5 & ~l3_0);
    l4_2 = l2_0 ? (l3_4 | l1_11 | ~bits_17) : (l3_4 ^ (bits_17 | l1_11));
    l4_3 = l1_8 ? (l2_7 ? (l3_8 ^ l1_2) : (l0_1 ^ (l3_8 | l1_2))) : (l3_8 ? (l1_2 ^ ~l0_1) : (l2_7 & (l0_1 | l1_2)));
    l4_4 = l3_8;
    l4_5 = l3_1 | ~(l3_2 | bits_12);
    l4_6 = bits_13 ? (bits_16 ? (bits_1 & (l2_2 | ~l3_10)) : (l2_2 ^ (l3_10 & ~bits_1))) : (~l2_2 | (bits_16 ^ (l3_10 & ~bits_1)));
    l4_7 = l1_3 ? (l3_10 ? (l1_13 & l1_11) : (~l1_16 & (l1_13 ^ l1_11))) : (l1_16 ? (l1_11 ^ (l3_10 & ~l1_13)) : (~l1_11 & (l1_13 | l3_10)));
    l4_8 = l2_4 ? (l3_11 ? (l1_9 ? (l2_10 & (bits_20 ^ ~l0_0)) : (bits_20 | ~l0_0)) : (l2_10 ^ (bits_20 ? ~l1_9 : l0_0))) : (l2_10 ? (l1_9 ? (bits_20 ? ~l0_0 : (l0_0 | l3_11)) : (l3_11 ^ ~l0_0)) : (l3_11 ? (bits_20 | (l1_9 ^ ~l0_0)) : (l0_0 ? ~l1_9 : ~bits_20)));
    // Level 5: 7 LUTs.
    l5_0 = bits_10 ^ (~l1_10 & (bits_11 | ~l4_1));
    l5_1 = l1_15 ? (l4_2 ? (l2_3 | ~(l1_0 | l1_13)) : ((l1_0 & l1_13) | ~l2_3)) : (l1_13 ? (l1_0 & ~l2_3) : (l4_2 ? l1_0 : l2_3));
    l5_2 = bits_17 ? (l3_2 ? (l4_1 ? ~l3_3 : (l2_4 ^ ~l1_12)) : (l3_3 ? (l4_1 & l2_4 & ~l1_12) : (l2_4 | (l4_1 & ~l1_12)))) : (l1_12 ? (l3_3 ? (~l3_2 & (l2_4 | ~l4_1)) : (l2_4 ^ l3_2 ^ ~l4_1)) : ~((l4_1 & ~l3_2) | (l3_3 & l2_4) | (~l4_1 & ~l2_4)));
    l5_3 = l4_3 ? (l3_0 ? (l2_3 ? (l1_4 & (bits_17 | ~bits_20)) : (bits_17 ^ (bits_20 | l1_4))) : (bits_17 ? bits_20 : (l1_4 ^ (bits_20 & l2_3)))) : (l2_3 ? (l3_0 ? (bits_20 | ~(bits_17 & l1_4)) : (bits_20 ^ bits_17)) : (l1_4 ? (bits_20 | bits_17) : (l3_0 & ~bits_17)));
    l5_4 = l1_10 ? (l4_3 | ~bits_6) : (bits_6 | ~l4_3);
    l5_5 = l1_11 ? (l3_11 ? ~l1_12 : (l3_3 & (l1_12 | ~l4_1))) : (l3_11 ? (l3_3 ^ ~(l1_12 & l4_1)) : (l3_3 | (l4_1 ^ ~l1_12)));
    l5_6 = l3_2 ? (l4_3 ? (l1_7 ^ (l1_3 ? ~bits_5 : bits_23)) : (bits_5 ? (~l1_7 & (l1_3 | ~bits_23)) : (bits_23 ^ ~l1_3))) : (l1_7 ? (bits_5 ? (l4_3 ^ (l1_3 | bits_23)) : ~l1_3) : (l4_3 ? (bits_23 ^ ~bits_5) : (bits_5 | l1_3 | ~bits_23)));
    // Level 6: 4 LUTs.
    l6_0 = ~(bits_4 & l5_0);
    l6_1 = l3_5 ? ~l3_10 : (l5_0 & l3_10);
    l6_2 = bits_23 ? (l2_5 ^ ~(l2_12 | l5_0)) : (~l2_12 & (l5_0 | ~l2_5));
    l6_3 = l2_11 ? (l2_4 ^ (bits_4 & ~l5_3)) : (bits_4 | (l5_3 ^ ~l2_4));
    // Level 7: 2 LUTs.
    l7_0 = bits_7 ? (bits_6 ? ~(bits_21 | (l1_11 & l6_1)) : (l1_11 ^ ~(bits_21 & l6_1))) : (l1_11 ? (bits_6 | (l6_1 & ~bits_21)) : (l6_1 ? ~bits_6 : bits_21));
    l7_1 = l5_4 ? (l1_9 ? (l6_2 ? (l3_6 ^ bits_20 ^ ~l1_18) : (l1_18 & (l3_6 | ~bits_20))) : (l3_6 ? (l6_2 ^ (l1_18 | ~bits_20)) : (~bits_20 & (l6_2 | ~l1_18)))) : (l1_18 ? (l3_6 ? (bits_20 & l6_2) : ~(l1_9 | l6_2)) : (l1_9 ? ~(l3_6 | (bits_20 & l6_2)) : ((bits_20 & l3_6) | l6_2)));
    // Level 8: 1 LUT.
    l8_0 = l1_14 ? (l1_2 ? (l1_10 | (bits_13 ^ ~(l1_10 & l7_0))) : (l7_0 ? (l1_10 ^ (bits_13 & ~l1_10)) : bits_13)) : (bits_13 ? (l1_10 ? (l1_10 & ~l1_2) : ~l1_10) : (l7_0 ? (l1_10 | ~l1_2) : ~l1_10));
  end
  assign outputs[0] = l1_18;  // from here: class 0 "a \"quoted\" \\ one"
  assign outputs[1] = l4_5;
  assign outputs[2] = l5_4;
  assign outputs[3] = l2_14;
  assign outputs[4] = l6_1;
  assign outputs[5] = l6_2;
  assign outputs[6] = l6_3;  // from here: class 1 "*\/ ??/ <b>"
  assign outputs[7] = l3_13;
  assign outputs[8] = l3_14;
  assign outputs[9] = l4_6;
  assign outputs[10] = l7_0;
  assign outputs[11] = l5_5;
  assign outputs[12] = l4_7;  // from here: class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
  assign outputs[13] = l4_8;
  assign outputs[14] = l7_1;
  assign outputs[15] = l5_6;
  assign outputs[16] = l8_0;
  assign outputs[17] = l5_6;
  assign outputs[18] = l8_0;  // from here: class 3 ""
  assign outputs[19] = bits_3;
  assign outputs[20] = l0_0;
  assign outputs[21] = l0_1;
  assign outputs[22] = bits_5;
  assign outputs[23] = bits_5;
endmodule
// verilator lint_on UNUSEDSIGNAL

// tiny_popcount: counts the ones in each group of outputs; 12 LUTs in 1 level.
module tiny_popcount (
  input wire [23:0] outputs,
  output wire [11:0] counts
);
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg outputs_0, outputs_1, outputs_2, outputs_3, outputs_4, outputs_5, outputs_6, outputs_7, outputs_8;
  reg outputs_9, outputs_10, outputs_11, outputs_12, outputs_13, outputs_14, outputs_15, outputs_16;
  reg outputs_17, outputs_18, outputs_19, outputs_20, outputs_21, outputs_22, outputs_23;
  reg l0_0, l0_1, l0_2, l0_3, l0_4, l0_5, l0_6, l0_7, l0_8, l0_9, l0_10, l0_11;
  always @* begin
    outputs_0 = outputs[0];
    outputs_1 = outputs[1];
    outputs_2 = outputs[2];
    outputs_3 = outputs[3];
    outputs_4 = outputs[4];
    outputs_5 = outputs[5];
    outputs_6 = outputs[6];
    outputs_7 = outputs[7];
    outputs_8 = outputs[8];
    outputs_9 = outputs[9];
    outputs_10 = outputs[10];
    outputs_11 = outputs[11];
    outputs_12 = outputs[12];
    outputs_13 = outputs[13];
    outputs_14 = outputs[14];
    outputs_15 = outputs[15];
    outputs_16 = outputs[16];
    outputs_17 = outputs[17];
    outputs_18 = outputs[18];
    outputs_19 = outputs[19];
    outputs_20 = outputs[20];
    outputs_21 = outputs[21];
    outputs_22 = outputs[22];
    outputs_23 = outputs[23];
    // Level 0: 12 LUTs.
    l0_0 = outputs_0 ^ outputs_1 ^ outputs_4 ^ outputs_3 ^ outputs_2 ^ outputs_5;
    l0_1 = outputs_6 ^ outputs_7 ^ outputs_10 ^ outputs_9 ^ outputs_8 ^ outputs_11;
    l0_2 = outputs_12 ^ outputs_13 ^ outputs_16 ^ outputs_15 ^ outputs_14 ^ outputs_17;
    l0_3 = outputs_18 ^ outputs_19 ^ outputs_22 ^ outputs_21 ^ outputs_20 ^ outputs_23;
    l0_4 = outputs_0 ? (outputs_1 ? (outputs_3 ? (outputs_2 ? (outputs_4 & outputs_5) : ~(outputs_4 | outputs_5)) : ~((outputs_2 & outputs_4) | (outputs_2 & outputs_5) | (outputs_4 & outputs_5))) : (outputs_3 ? ~((outputs_2 & outputs_4) | (outputs_2 & outputs_5) | (outputs_4 & outputs_5)) : (outputs_2 ? ~(outputs_4 & outputs_5) : (outputs_4 | outputs_5)))) : (outputs_1 ? (outputs_3 ? ~((outputs_2 & outputs_4) | (outputs_2 & outputs_5) | (outputs_4 & outputs_5)) : (outputs_2 ? ~(outputs_4 & outputs_5) : (outputs_4 | outputs_5))) : (outputs_3 ? (outputs_2 ? ~(outputs_4 & outputs_5) : (outputs_4 | outputs_5)) : ((outputs_2 & outputs_4) | (outputs_2 & outputs_5) | (outputs_4 & outputs_5))));
    l0_5 = outputs_6 ? (outputs_7 ? (outputs_9 ? (outputs_8 ? (outputs_10 & outputs_11) : ~(outputs_10 | outputs_11)) : ~((outputs_8 & outputs_10) | (outputs_8 & outputs_11) | (outputs_10 & outputs_11))) : (outputs_9 ? ~((outputs_8 & outputs_10) | (outputs_8 & outputs_11) | (outputs_10 & outputs_11)) : (outputs_8 ? ~(outputs_10 & outputs_11) : (outputs_10 | outputs_11)))) : (outputs_7 ? (outputs_9 ? ~((outputs_8 & outputs_10) | (outputs_8 & outputs_11) | (outputs_10 & outputs_11)) : (outputs_8 ? ~(outputs_10 & outputs_11) : (outputs_10 | outputs_11))) : (outputs_9 ? (outputs_8 ? ~(outputs_10 & outputs_11) : (outputs_10 | outputs_11)) : ((outputs_8 & outputs_10) | (outputs_8 & outputs_11) | (outputs_10 & outputs_11))));
    l0_6 = outputs_12 ? (outputs_13 ? (outputs_15 ? (outputs_14 ? (outputs_16 & outputs_17) : ~(outputs_16 | outputs_17)) : ~((outputs_14 & outputs_16) | (outputs_14 & outputs_17) | (outputs_16 & outputs_17))) : (outputs_15 ? ~((outputs_14 & outputs_16) | (outputs_14 & outputs_17) | (outputs_16 & outputs_17)) : (outputs_14 ? ~(outputs_16 & outputs_17) : (outputs_16 | outputs_17)))) : (outputs_13 ? (outputs_15 ? ~((outputs_14 & outputs_16) | (outputs_14 & outputs_17) | (outputs_16 & outputs_17)) : (outputs_14 ? ~(outputs_16 & outputs_17) : (outputs_16 | outputs_17))) : (outputs_15 ? (outputs_14 ? ~(outputs_16 & outputs_17) : (outputs_16 | outputs_17)) : ((outputs_14 & outputs_16) | (outputs_14 & outputs_17) | (outputs_16 & outputs_17))));
    l0_7 = outputs_18 ? (outputs_19 ? (outputs_21 ? (outputs_20 ? (outputs_22 & outputs_23) : ~(outputs_22 | outputs_23)) : ~((outputs_20 & outputs_22) | (outputs_20 & outputs_23) | (outputs_22 & outputs_23))) : (outputs_21 ? ~((outputs_20 & outputs_22) | (outputs_20 & outputs_23) | (outputs_22 & outputs_23)) : (outputs_20 ? ~(outputs_22 & outputs_23) : (outputs_22 | outputs_23)))) : (outputs_19 ? (outputs_21 ? ~((outputs_20 & outputs_22) | (outputs_20 & outputs_23) | (outputs_22 & outputs_23)) : (outputs_20 ? ~(outputs_22 & outputs_23) : (outputs_22 | outputs_23))) : (outputs_21 ? (outputs_20 ? ~(outputs_22 & outputs_23) : (outputs_22 | outputs_23)) : ((outputs_20 & outputs_22) | (outputs_20 & outputs_23) | (outputs_22 & outputs_23))));
    l0_8 = outputs_0 ? (outputs_1 ? (outputs_2 ? (outputs_3 | outputs_4 | outputs_5) : ((outputs_3 & outputs_4) | (outputs_3 & outputs_5) | (outputs_4 & outputs_5))) : (outputs_2 ? ((outputs_3 & outputs_4) | (outputs_3 & outputs_5) | (outputs_4 & outputs_5)) : (outputs_3 & outputs_4 & outputs_5))) : (outputs_1 ? (outputs_2 ? ((outputs_3 & outputs_4) | (outputs_3 & outputs_5) | (outputs_4 & outputs_5)) : (outputs_3 & outputs_4 & outputs_5)) : (outputs_2 & outputs_3 & outputs_4 & outputs_5));
    l0_9 = outputs_6 ? (outputs_7 ? (outputs_8 ? (outputs_9 | outputs_10 | outputs_11) : ((outputs_9 & outputs_10) | (outputs_9 & outputs_11) | (outputs_10 & outputs_11))) : (outputs_8 ? ((outputs_9 & outputs_10) | (outputs_9 & outputs_11) | (outputs_10 & outputs_11)) : (outputs_9 & outputs_10 & outputs_11))) : (outputs_7 ? (outputs_8 ? ((outputs_9 & outputs_10) | (outputs_9 & outputs_11) | (outputs_10 & outputs_11)) : (outputs_9 & outputs_10 & outputs_11)) : (outputs_8 & outputs_9 & outputs_10 & outputs_11));
    l0_10 = outputs_12 ? (outputs_13 ? (outputs_14 ? (outputs_15 | outputs_16 | outputs_17) : ((outputs_15 & outputs_16) | (outputs_15 & outputs_17) | (outputs_16 & outputs_17))) : (outputs_14 ? ((outputs_15 & outputs_16) | (outputs_15 & outputs_17) | (outputs_16 & outputs_17)) : (outputs_15 & outputs_16 & outputs_17))) : (outputs_13 ? (outputs_14 ? ((outputs_15 & outputs_16) | (outputs_15 & outputs_17) | (outputs_16 & outputs_17)) : (outputs_15 & outputs_16 & outputs_17)) : (outputs_14 & outputs_15 & outputs_16 & outputs_17));
    l0_11 = outputs_18 ? (outputs_19 ? (outputs_20 ? (outputs_21 | outputs_22 | outputs_23) : ((outputs_21 & outputs_22) | (outputs_21 & outputs_23) | (outputs_22 & outputs_23))) : (outputs_20 ? ((outputs_21 & outputs_22) | (outputs_21 & outputs_23) | (outputs_22 & outputs_23)) : (outputs_21 & outputs_22 & outputs_23))) : (outputs_19 ? (outputs_20 ? ((outputs_21 & outputs_22) | (outputs_21 & outputs_23) | (outputs_22 & outputs_23)) : (outputs_21 & outputs_22 & outputs_23)) : (outputs_20 & outputs_21 & outputs_22 & outputs_23));
  end
  assign counts[0] = l0_0;  // class 0 "a \"quoted\" \\ one": count, from bit 0 up
  assign counts[1] = l0_4;
  assign counts[2] = l0_8;
  assign counts[3] = l0_1;  // class 1 "*\/ ??/ <b>": count, from bit 0 up
  assign counts[4] = l0_5;
  assign counts[5] = l0_9;
  assign counts[6] = l0_2;  // class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f": count, from bit 0 up
  assign counts[7] = l0_6;
  assign counts[8] = l0_10;
  assign counts[9] = l0_3;  // class 3 "": count, from bit 0 up
  assign counts[10] = l0_7;
  assign counts[11] = l0_11;
endmodule

// tiny_decision: makes the result of the counts; 10 LUTs in 4 levels.
module tiny_decision (
  input wire [11:0] counts,
  output wire [1:0] label,
  output wire [11:0] scores
);
  // No registers: set by the block below, which is logic. It goes through all LUTs in their order.
  reg counts_0_0, counts_0_1, counts_0_2, counts_1_0, counts_1_1, counts_1_2, counts_2_0, counts_2_1;
  reg counts_2_2, counts_3_0, counts_3_1, counts_3_2;
  reg l0_0, l0_1, l1_0, l1_1, l1_2, l1_3, l1_4, l1_5, l2_0, l3_0;
  always @* begin
    counts_0_0 = counts[0];
    counts_0_1 = counts[1];
    counts_0_2 = counts[2];
    counts_1_0 = counts[3];
    counts_1_1 = counts[4];
    counts_1_2 = counts[5];
    counts_2_0 = counts[6];
    counts_2_1 = counts[7];
    counts_2_2 = counts[8];
    counts_3_0 = counts[9];
    counts_3_1 = counts[10];
    counts_3_2 = counts[11];
    // Level 0: 2 LUTs.
    l0_0 = counts_0_2 ? (counts_1_2 & (counts_0_1 ? (counts_1_1 & counts_1_0 & ~counts_0_0) : (counts_1_1 | (counts_1_0 & ~counts_0_0)))) : (counts_1_2 | (counts_0_1 ? (counts_1_1 & counts_1_0 & ~counts_0_0) : (counts_1_1 | (counts_1_0 & ~counts_0_0))));
    l0_1 = counts_2_2 ? (counts_3_2 & (counts_2_1 ? (counts_3_1 & counts_3_0 & ~counts_2_0) : (counts_3_1 | (counts_3_0 & ~counts_2_0)))) : (counts_3_2 | (counts_2_1 ? (counts_3_1 & counts_3_0 & ~counts_2_0) : (counts_3_1 | (counts_3_0 & ~counts_2_0))));
    // Level 1: 6 LUTs.
    l1_0 = l0_0 ? counts_1_0 : counts_0_0;
    l1_1 = l0_0 ? counts_1_1 : counts_0_1;
    l1_2 = l0_0 ? counts_1_2 : counts_0_2;
    l1_3 = l0_1 ? counts_3_0 : counts_2_0;
    l1_4 = l0_1 ? counts_3_1 : counts_2_1;
    l1_5 = l0_1 ? counts_3_2 : counts_2_2;
    // Level 2: 1 LUT.
    l2_0 = l1_2 ? (l1_5 & (l1_1 ? (l1_4 & l1_3 & ~l1_0) : (l1_4 | (l1_3 & ~l1_0)))) : (l1_5 | (l1_1 ? (l1_4 & l1_3 & ~l1_0) : (l1_4 | (l1_3 & ~l1_0))));
    // Level 3: 1 LUT.
    l3_0 = l2_0 ? l0_1 : l0_0;
  end
  assign label[0] = l3_0;
  assign label[1] = l2_0;
  assign scores[0] = counts_0_0;  // class 0 "a \"quoted\" \\ one": score, from bit 0 up
  assign scores[1] = counts_0_1;
  assign scores[2] = counts_0_2;
  assign scores[3] = counts_1_0;  // class 1 "*\/ ??/ <b>": score, from bit 0 up
  assign scores[4] = counts_1_1;
  assign scores[5] = counts_1_2;
  assign scores[6] = counts_2_0;  // class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f": score, from bit 0 up
  assign scores[7] = counts_2_1;
  assign scores[8] = counts_2_2;
  assign scores[9] = counts_3_0;  // class 3 "": score, from bit 0 up
  assign scores[10] = counts_3_1;
  assign scores[11] = counts_3_2;
endmodule

module tiny (
  input wire [17:0] x,
  output wire [1:0] label,
  output wire [11:0] scores
);
  // For who reads this file: nothing in it uses them.
  // verilator lint_off UNUSEDPARAM
  localparam integer CLASS_A_QUOTED_ONE = 0;  // "a \"quoted\" \\ one"
  localparam integer CLASS_B = 1;  // "*\/ ??/ <b>"
  localparam integer CLASS_N_C_D = 2;  // "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
  localparam integer CLASS_3 = 3;  // ""
  // verilator lint_on UNUSEDPARAM
  wire [23:0] bits;
  wire [23:0] outputs;
  wire [11:0] counts;
  tiny_encoder u_encoder (.x(x), .bits(bits));
  tiny_network u_network (.bits(bits), .outputs(outputs));
  tiny_popcount u_popcount (.outputs(outputs), .counts(counts));
  tiny_decision u_decision (.counts(counts), .label(label), .scores(scores));
endmodule
// verilator lint_on DECLFILENAME
