// tiny: a network of look-up tables as logic, made of LUT1 to LUT6. Written by lutsmith.
//
// Parts: network.
// Inputs:
//   bits: 24 words of 1 bit: the bits of the encoder.
// Outputs:
//   outputs: 24 words of 1 bit: the outputs of the network.
// Bit b of word w is bit (width * w + b) of its port. Ports of no bits are left out.
// Inside, bit b of word w of port p is p_<w>_<b>, or p_<w> where words are single bits; LUT k of level l is
// l<l>_<k>, register i is r<i>.
// Latency: 8 clock cycles, a sample in every cycle. Registers take their inputs at the rising edge of clk while
// ce is 1.
//
// Bits of the input, over which the encoder was left out:
//   0: feature 0 at (0, 0) "age" > -0.89059186
//   1: feature 0 at (0, 0) "age" > -0.274137855
//   2: feature 0 at (0, 0) "age" > 0.00123015337
//   3: feature 0 at (0, 0) "age" > 0.298745543
//   4: feature 1 at (0, 1) "a \"b\" \\c" > -0.991646528
//   5: feature 1 at (0, 1) "a \"b\" \\c" > -0.454670787
//   6: feature 1 at (0, 1) "a \"b\" \\c" > 0.0601436011
//   7: feature 1 at (0, 1) "a \"b\" \\c" > 1.34021521
//   8: feature 2 at (0, 2) "*\/" > -0.620474875
//   9: feature 2 at (0, 2) "*\/" > -0.492206514
//   10: feature 2 at (0, 2) "*\/" > 0.356887013
//   11: feature 2 at (0, 2) "*\/" > 0.489842057
//   12: feature 3 at (1, 0) "??=" > -0.930468023
//   13: feature 3 at (1, 0) "??=" > -0.0292518232
//   14: feature 3 at (1, 0) "??=" > 0.105414249
//   15: feature 3 at (1, 0) "??=" > 0.695303202
//   16: feature 4 at (1, 1) "\u00df" > -1.90122271
//   17: feature 4 at (1, 1) "\u00df" > -1.34421456
//   18: feature 4 at (1, 1) "\u00df" > -1.28953779
//   19: feature 4 at (1, 1) "\u00df" > -0.457615763
//   20: feature 5 at (1, 2) "age" > -1.84173501
//   21: feature 5 at (1, 2) "age" > -1.26744652
//   22: feature 5 at (1, 2) "age" > -0.235091135
//   23: feature 5 at (1, 2) "age" > 0.271264344
//
//   class 0: "a \"quoted\" \\ one"
//   class 1: "*\/ ??/ <b>"
//   class 2: "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
//   class 3: ""

// The modules of all parts stand in one file.
// verilator lint_off DECLFILENAME

// tiny_network: the look-up tables that were learned; 60 LUTs in 2 levels between 283 registers.
module tiny_network (
  input wire clk,
  input wire ce,
  input wire [23:0] bits,
  output wire [23:0] outputs
);
  reg r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15, r16, r17, r18, r19, r20, r21;
  reg r22, r23, r24, r25, r26, r27, r28, r29, r30, r31, r32, r33, r34, r35, r36, r37, r38, r39, r40, r41;
  reg r42, r43, r44, r45, r46, r47, r48, r49, r50, r51, r52, r53, r54, r55, r56, r57, r58, r59, r60, r61;
  reg r62, r63, r64, r65, r66, r67, r68, r69, r70, r71, r72, r73, r74, r75, r76, r77, r78, r79, r80, r81;
  reg r82, r83, r84, r85, r86, r87, r88, r89, r90, r91, r92, r93, r94, r95, r96, r97, r98, r99, r100, r101;
  reg r102, r103, r104, r105, r106, r107, r108, r109, r110, r111, r112, r113, r114, r115, r116, r117, r118;
  reg r119, r120, r121, r122, r123, r124, r125, r126, r127, r128, r129, r130, r131, r132, r133, r134, r135;
  reg r136, r137, r138, r139, r140, r141, r142, r143, r144, r145, r146, r147, r148, r149, r150, r151, r152;
  reg r153, r154, r155, r156, r157, r158, r159, r160, r161, r162, r163, r164, r165, r166, r167, r168, r169;
  reg r170, r171, r172, r173, r174, r175, r176, r177, r178, r179, r180, r181, r182, r183, r184, r185, r186;
  reg r187, r188, r189, r190, r191, r192, r193, r194, r195, r196, r197, r198, r199, r200, r201, r202, r203;
  reg r204, r205, r206, r207, r208, r209, r210, r211, r212, r213, r214, r215, r216, r217, r218, r219, r220;
  reg r221, r222, r223, r224, r225, r226, r227, r228, r229, r230, r231, r232, r233, r234, r235, r236, r237;
  reg r238, r239, r240, r241, r242, r243, r244, r245, r246, r247, r248, r249, r250, r251, r252, r253, r254;
  reg r255, r256, r257, r258, r259, r260, r261, r262, r263, r264, r265, r266, r267, r268, r269, r270, r271;
  reg r272, r273, r274, r275, r276, r277, r278, r279, r280, r281, r282;
  wire bits_0 = bits[0];  // feature 0 at (0, 0) "age" > -0.89059186
  wire bits_1 = bits[1];  // feature 0 at (0, 0) "age" > -0.274137855
  wire bits_2 = bits[2];  // feature 0 at (0, 0) "age" > 0.00123015337
  wire bits_3 = bits[3];  // feature 0 at (0, 0) "age" > 0.298745543
  wire bits_4 = bits[4];  // feature 1 at (0, 1) "a \"b\" \\c" > -0.991646528
  wire bits_5 = bits[5];  // feature 1 at (0, 1) "a \"b\" \\c" > -0.454670787
  wire bits_6 = bits[6];  // feature 1 at (0, 1) "a \"b\" \\c" > 0.0601436011
  wire bits_7 = bits[7];  // feature 1 at (0, 1) "a \"b\" \\c" > 1.34021521
  wire bits_8 = bits[8];  // feature 2 at (0, 2) "*\/" > -0.620474875
  wire bits_9 = bits[9];  // feature 2 at (0, 2) "*\/" > -0.492206514
  wire bits_10 = bits[10];  // feature 2 at (0, 2) "*\/" > 0.356887013
  wire bits_11 = bits[11];  // feature 2 at (0, 2) "*\/" > 0.489842057
  wire bits_12 = bits[12];  // feature 3 at (1, 0) "??=" > -0.930468023
  wire bits_13 = bits[13];  // feature 3 at (1, 0) "??=" > -0.0292518232
  wire bits_14 = bits[14];  // feature 3 at (1, 0) "??=" > 0.105414249
  wire bits_15 = bits[15];  // feature 3 at (1, 0) "??=" > 0.695303202
  wire bits_16 = bits[16];  // feature 4 at (1, 1) "\u00df" > -1.90122271
  wire bits_17 = bits[17];  // feature 4 at (1, 1) "\u00df" > -1.34421456
  wire bits_18 = bits[18];  // feature 4 at (1, 1) "\u00df" > -1.28953779
  wire bits_19 = bits[19];  // feature 4 at (1, 1) "\u00df" > -0.457615763
  wire bits_20 = bits[20];  // feature 5 at (1, 2) "age" > -1.84173501
  wire bits_21 = bits[21];  // feature 5 at (1, 2) "age" > -1.26744652
  wire bits_22 = bits[22];  // feature 5 at (1, 2) "age" > -0.235091135
  wire bits_23 = bits[23];  // feature 5 at (1, 2) "age" > 0.271264344
  wire l0_0 = 1'b0;
  wire l0_1 = 1'b1;
  wire l1_0, l1_1, l1_2, l1_3, l1_4, l1_5, l1_6, l1_7, l1_8, l1_9, l1_10, l1_11, l1_12, l1_13, l1_14, l1_15;
  wire l1_16, l1_17, l1_18, l1_19, l1_20, l1_21, l1_22, l1_23, l1_24, l1_25, l1_26, l1_27, l1_28, l1_29;
  wire l1_30, l1_31, l1_32, l1_33, l1_34, l1_35, l1_36, l1_37, l1_38, l1_39, l1_40, l1_41, l1_42, l1_43;
  wire l1_44, l1_45, l1_46, l1_47, l1_48, l1_49, l1_50, l1_51, l1_52, l1_53, l1_54, l1_55, l1_56, l1_57;
  // Level 0: 2 LUTs.
  // Level 1: 58 LUTs.
  LUT1 #(.INIT(2'h1)) u_l1_0 (.O(l1_0), .I0(bits_11));
  LUT1 #(.INIT(2'h3)) u_l1_1 (.O(l1_1), .I0(bits_0));
  LUT1 #(.INIT(2'h3)) u_l1_2 (.O(l1_2), .I0(bits_3));
  LUT1 #(.INIT(2'h2)) u_l1_3 (.O(l1_3), .I0(bits_13));
  LUT1 #(.INIT(2'h0)) u_l1_4 (.O(l1_4), .I0(bits_6));
  LUT1 #(.INIT(2'h2)) u_l1_5 (.O(l1_5), .I0(bits_1));
  LUT2 #(.INIT(4'h7)) u_l1_6 (.O(l1_6), .I0(bits_7), .I1(bits_14));
  LUT2 #(.INIT(4'h1)) u_l1_7 (.O(l1_7), .I0(bits_11), .I1(bits_7));
  LUT2 #(.INIT(4'hd)) u_l1_8 (.O(l1_8), .I0(bits_2), .I1(bits_5));
  LUT2 #(.INIT(4'h7)) u_l1_9 (.O(l1_9), .I0(bits_13), .I1(bits_6));
  LUT2 #(.INIT(4'h7)) u_l1_10 (.O(l1_10), .I0(bits_23), .I1(bits_4));
  LUT2 #(.INIT(4'h3)) u_l1_11 (.O(l1_11), .I0(bits_17), .I1(bits_20));
  LUT3 #(.INIT(8'hb2)) u_l1_12 (.O(l1_12), .I0(bits_1), .I1(l0_0), .I2(bits_16));
  LUT3 #(.INIT(8'h7a)) u_l1_13 (.O(l1_13), .I0(bits_3), .I1(bits_8), .I2(bits_18));
  LUT3 #(.INIT(8'hc5)) u_l1_14 (.O(l1_14), .I0(bits_8), .I1(bits_1), .I2(bits_6));
  LUT3 #(.INIT(8'h71)) u_l1_15 (.O(l1_15), .I0(bits_18), .I1(bits_22), .I2(bits_18));
  LUT4 #(.INIT(16'h3eda)) u_l1_16 (.O(l1_16), .I0(bits_21), .I1(bits_16), .I2(bits_13), .I3(bits_9));
  LUT4 #(.INIT(16'h9a54)) u_l1_17 (.O(l1_17), .I0(bits_0), .I1(l0_0), .I2(bits_0), .I3(bits_11));
  LUT1 #(.INIT(2'h3)) u_l1_18 (.O(l1_18), .I0(r120));
  LUT1 #(.INIT(2'h0)) u_l1_19 (.O(l1_19), .I0(r93));
  LUT1 #(.INIT(2'h0)) u_l1_20 (.O(l1_20), .I0(r101));
  LUT2 #(.INIT(4'h7)) u_l1_21 (.O(l1_21), .I0(r101), .I1(r0));
  LUT3 #(.INIT(8'hdf)) u_l1_22 (.O(l1_22), .I0(r27), .I1(r65), .I2(r109));
  LUT3 #(.INIT(8'h14)) u_l1_23 (.O(l1_23), .I0(r94), .I1(l0_1), .I2(r78));
  LUT3 #(.INIT(8'h28)) u_l1_24 (.O(l1_24), .I0(r62), .I1(r84), .I2(r155));
  LUT4 #(.INIT(16'h3e2d)) u_l1_25 (.O(l1_25), .I0(r2), .I1(r61), .I2(r109), .I3(r6));
  LUT4 #(.INIT(16'h8dd1)) u_l1_26 (.O(l1_26), .I0(r61), .I1(r113), .I2(r113), .I3(r39));
  LUT5 #(.INIT(32'h042edd7c)) u_l1_27 (.O(l1_27), .I0(r69), .I1(r113), .I2(r94), .I3(r60), .I4(r5));
  LUT5 #(.INIT(32'hcdffa21e)) u_l1_28 (.O(l1_28), .I0(l0_1), .I1(r46), .I2(r94), .I3(r113), .I4(r60));
  LUT6 #(.INIT(64'h6e3b649c05034480)) u_l1_29 (.O(l1_29), .I0(r91), .I1(r101), .I2(r33), .I3(r50), .I4(l0_1), .I5(r72));
  LUT1 #(.INIT(2'h3)) u_l1_30 (.O(l1_30), .I0(r170));
  LUT4 #(.INIT(16'h5cdc)) u_l1_31 (.O(l1_31), .I0(r140), .I1(r63), .I2(r63), .I3(r166));
  LUT4 #(.INIT(16'hc8ec)) u_l1_32 (.O(l1_32), .I0(r168), .I1(r121), .I2(r166), .I3(l0_1));
  LUT4 #(.INIT(16'h1d21)) u_l1_33 (.O(l1_33), .I0(r134), .I1(r92), .I2(r181), .I3(r28));
  LUT5 #(.INIT(32'h814ebde0)) u_l1_34 (.O(l1_34), .I0(r118), .I1(r79), .I2(r85), .I3(r166), .I4(r112));
  LUT5 #(.INIT(32'he5298a77)) u_l1_35 (.O(l1_35), .I0(r121), .I1(r127), .I2(r28), .I3(r66), .I4(r170));
  LUT5 #(.INIT(32'h696b7e1d)) u_l1_36 (.O(l1_36), .I0(r79), .I1(r144), .I2(r156), .I3(r170), .I4(r43));
  LUT6 #(.INIT(64'h3cb2853a32bf088d)) u_l1_37 (.O(l1_37), .I0(r127), .I1(r112), .I2(r121), .I3(r20), .I4(r177), .I5(r177));
  LUT6 #(.INIT(64'h4c795d1e60a8fa6b)) u_l1_38 (.O(l1_38), .I0(r110), .I1(r114), .I2(r167), .I3(r173), .I4(r173), .I5(l0_1));
  LUT6 #(.INIT(64'h29b2802f26faa5ec)) u_l1_39 (.O(l1_39), .I0(r71), .I1(r1), .I2(r47), .I3(r47), .I4(r166), .I5(r47));
  LUT6 #(.INIT(64'h39f4d72912321b91)) u_l1_40 (.O(l1_40), .I0(r154), .I1(r154), .I2(r73), .I3(r173), .I4(r167), .I5(r170));
  LUT3 #(.INIT(8'hd2)) u_l1_41 (.O(l1_41), .I0(r208), .I1(r201), .I2(r41));
  LUT3 #(.INIT(8'hcd)) u_l1_42 (.O(l1_42), .I0(r204), .I1(r203), .I2(r52));
  LUT5 #(.INIT(32'h5da63862)) u_l1_43 (.O(l1_43), .I0(r215), .I1(l0_0), .I2(r119), .I3(r96), .I4(r183));
  LUT5 #(.INIT(32'hd0f7c63b)) u_l1_44 (.O(l1_44), .I0(r216), .I1(r169), .I2(r4), .I3(r55), .I4(r64));
  LUT5 #(.INIT(32'hc185502c)) u_l1_45 (.O(l1_45), .I0(r103), .I1(r145), .I2(r135), .I3(r157), .I4(r216));
  LUT6 #(.INIT(64'h82f37ed9a6562967)) u_l1_46 (.O(l1_46), .I0(r185), .I1(l0_1), .I2(r74), .I3(r122), .I4(r174), .I5(r219));
  LUT3 #(.INIT(8'hbd)) u_l1_47 (.O(l1_47), .I0(r234), .I1(r129), .I2(r30));
  LUT4 #(.INIT(16'hf02d)) u_l1_48 (.O(l1_48), .I0(r233), .I1(r49), .I2(r45), .I3(r129));
  LUT5 #(.INIT(32'h6327d4f1)) u_l1_49 (.O(l1_49), .I0(r136), .I1(r142), .I2(r207), .I3(r233), .I4(r220));
  LUT6 #(.INIT(64'he3444f689ebefc0a)) u_l1_50 (.O(l1_50), .I0(r202), .I1(r75), .I2(r68), .I3(r108), .I4(r172), .I5(r234));
  LUT6 #(.INIT(64'h954c52f6a65327d7)) u_l1_51 (.O(l1_51), .I0(r116), .I1(r104), .I2(r22), .I3(r234), .I4(r205), .I5(r89));
  LUT3 #(.INIT(8'h38)) u_l1_52 (.O(l1_52), .I0(r255), .I1(r218), .I2(r210));
  LUT4 #(.INIT(16'he145)) u_l1_53 (.O(l1_53), .I0(r193), .I1(r255), .I2(r180), .I3(r90));
  LUT4 #(.INIT(16'hdc79)) u_l1_54 (.O(l1_54), .I0(r189), .I1(r176), .I2(r18), .I3(r256));
  LUT5 #(.INIT(32'h615b47ca)) u_l1_55 (.O(l1_55), .I0(r38), .I1(r32), .I2(r138), .I3(r83), .I4(r269));
  LUT6 #(.INIT(64'h58b18715ab100966)) u_l1_56 (.O(l1_56), .I0(r163), .I1(r125), .I2(r77), .I3(r258), .I4(r214), .I5(r272));
  LUT6 #(.INIT(64'hff93bc4c3145b975)) u_l1_57 (.O(l1_57), .I0(r132), .I1(r59), .I2(r278), .I3(r132), .I4(r100), .I5(r152));
  initial begin
    r0 = 1'b0;
    r1 = 1'b0;
    r2 = 1'b0;
    r3 = 1'b0;
    r4 = 1'b0;
    r5 = 1'b0;
    r6 = 1'b0;
    r7 = 1'b0;
    r8 = 1'b0;
    r9 = 1'b0;
    r10 = 1'b0;
    r11 = 1'b0;
    r12 = 1'b0;
    r13 = 1'b0;
    r14 = 1'b0;
    r15 = 1'b0;
    r16 = 1'b0;
    r17 = 1'b0;
    r18 = 1'b0;
    r19 = 1'b0;
    r20 = 1'b0;
    r21 = 1'b0;
    r22 = 1'b0;
    r23 = 1'b0;
    r24 = 1'b0;
    r25 = 1'b0;
    r26 = 1'b0;
    r27 = 1'b0;
    r28 = 1'b0;
    r29 = 1'b0;
    r30 = 1'b0;
    r31 = 1'b0;
    r32 = 1'b0;
    r33 = 1'b0;
    r34 = 1'b0;
    r35 = 1'b0;
    r36 = 1'b0;
    r37 = 1'b0;
    r38 = 1'b0;
    r39 = 1'b0;
    r40 = 1'b0;
    r41 = 1'b0;
    r42 = 1'b0;
    r43 = 1'b0;
    r44 = 1'b0;
    r45 = 1'b0;
    r46 = 1'b0;
    r47 = 1'b0;
    r48 = 1'b0;
    r49 = 1'b0;
    r50 = 1'b0;
    r51 = 1'b0;
    r52 = 1'b0;
    r53 = 1'b0;
    r54 = 1'b0;
    r55 = 1'b0;
    r56 = 1'b0;
    r57 = 1'b0;
    r58 = 1'b0;
    r59 = 1'b0;
    r60 = 1'b0;
    r61 = 1'b0;
    r62 = 1'b0;
    r63 = 1'b0;
    r64 = 1'b0;
    r65 = 1'b0;
    r66 = 1'b0;
    r67 = 1'b0;
    r68 = 1'b0;
    r69 = 1'b0;
    r70 = 1'b0;
    r71 = 1'b0;
    r72 = 1'b0;
    r73 = 1'b0;
    r74 = 1'b0;
    r75 = 1'b0;
    r76 = 1'b0;
    r77 = 1'b0;
    r78 = 1'b0;
    r79 = 1'b0;
    r80 = 1'b0;
    r81 = 1'b0;
    r82 = 1'b0;
    r83 = 1'b0;
    r84 = 1'b0;
    r85 = 1'b0;
    r86 = 1'b0;
    r87 = 1'b0;
    r88 = 1'b0;
    r89 = 1'b0;
    r90 = 1'b0;
    r91 = 1'b0;
    r92 = 1'b0;
    r93 = 1'b0;
    r94 = 1'b0;
    r95 = 1'b0;
    r96 = 1'b0;
    r97 = 1'b0;
    r98 = 1'b0;
    r99 = 1'b0;
    r100 = 1'b0;
    r101 = 1'b0;
    r102 = 1'b0;
    r103 = 1'b0;
    r104 = 1'b0;
    r105 = 1'b0;
    r106 = 1'b0;
    r107 = 1'b0;
    r108 = 1'b0;
    r109 = 1'b0;
    r110 = 1'b0;
    r111 = 1'b0;
    r112 = 1'b0;
    r113 = 1'b0;
    r114 = 1'b0;
    r115 = 1'b0;
    r116 = 1'b0;
    r117 = 1'b0;
    r118 = 1'b0;
    r119 = 1'b0;
    r120 = 1'b0;
    r121 = 1'b0;
    r122 = 1'b0;
    r123 = 1'b0;
    r124 = 1'b0;
    r125 = 1'b0;
    r126 = 1'b0;
    r127 = 1'b0;
    r128 = 1'b0;
    r129 = 1'b0;
    r130 = 1'b0;
    r131 = 1'b0;
    r132 = 1'b0;
    r133 = 1'b0;
    r134 = 1'b0;
    r135 = 1'b0;
    r136 = 1'b0;
    r137 = 1'b0;
    r138 = 1'b0;
    r139 = 1'b0;
    r140 = 1'b0;
    r141 = 1'b0;
    r142 = 1'b0;
    r143 = 1'b0;
    r144 = 1'b0;
    r145 = 1'b0;
    r146 = 1'b0;
    r147 = 1'b0;
    r148 = 1'b0;
    r149 = 1'b0;
    r150 = 1'b0;
    r151 = 1'b0;
    r152 = 1'b0;
    r153 = 1'b0;
    r154 = 1'b0;
    r155 = 1'b0;
    r156 = 1'b0;
    r157 = 1'b0;
    r158 = 1'b0;
    r159 = 1'b0;
    r160 = 1'b0;
    r161 = 1'b0;
    r162 = 1'b0;
    r163 = 1'b0;
    r164 = 1'b0;
    r165 = 1'b0;
    r166 = 1'b0;
    r167 = 1'b0;
    r168 = 1'b0;
    r169 = 1'b0;
    r170 = 1'b0;
    r171 = 1'b0;
    r172 = 1'b0;
    r173 = 1'b0;
    r174 = 1'b0;
    r175 = 1'b0;
    r176 = 1'b0;
    r177 = 1'b0;
    r178 = 1'b0;
    r179 = 1'b0;
    r180 = 1'b0;
    r181 = 1'b0;
    r182 = 1'b0;
    r183 = 1'b0;
    r184 = 1'b0;
    r185 = 1'b0;
    r186 = 1'b0;
    r187 = 1'b0;
    r188 = 1'b0;
    r189 = 1'b0;
    r190 = 1'b0;
    r191 = 1'b0;
    r192 = 1'b0;
    r193 = 1'b0;
    r194 = 1'b0;
    r195 = 1'b0;
    r196 = 1'b0;
    r197 = 1'b0;
    r198 = 1'b0;
    r199 = 1'b0;
    r200 = 1'b0;
    r201 = 1'b0;
    r202 = 1'b0;
    r203 = 1'b0;
    r204 = 1'b0;
    r205 = 1'b0;
    r206 = 1'b0;
    r207 = 1'b0;
    r208 = 1'b0;
    r209 = 1'b0;
    r210 = 1'b0;
    r211 = 1'b0;
    r212 = 1'b0;
    r213 = 1'b0;
    r214 = 1'b0;
    r215 = 1'b0;
    r216 = 1'b0;
    r217 = 1'b0;
    r218 = 1'b0;
    r219 = 1'b0;
    r220 = 1'b0;
    r221 = 1'b0;
    r222 = 1'b0;
    r223 = 1'b0;
    r224 = 1'b0;
    r225 = 1'b0;
    r226 = 1'b0;
    r227 = 1'b0;
    r228 = 1'b0;
    r229 = 1'b0;
    r230 = 1'b0;
    r231 = 1'b0;
    r232 = 1'b0;
    r233 = 1'b0;
    r234 = 1'b0;
    r235 = 1'b0;
    r236 = 1'b0;
    r237 = 1'b0;
    r238 = 1'b0;
    r239 = 1'b0;
    r240 = 1'b0;
    r241 = 1'b0;
    r242 = 1'b0;
    r243 = 1'b0;
    r244 = 1'b0;
    r245 = 1'b0;
    r246 = 1'b0;
    r247 = 1'b0;
    r248 = 1'b0;
    r249 = 1'b0;
    r250 = 1'b0;
    r251 = 1'b0;
    r252 = 1'b0;
    r253 = 1'b0;
    r254 = 1'b0;
    r255 = 1'b0;
    r256 = 1'b0;
    r257 = 1'b0;
    r258 = 1'b0;
    r259 = 1'b0;
    r260 = 1'b0;
    r261 = 1'b0;
    r262 = 1'b0;
    r263 = 1'b0;
    r264 = 1'b0;
    r265 = 1'b0;
    r266 = 1'b0;
    r267 = 1'b0;
    r268 = 1'b0;
    r269 = 1'b0;
    r270 = 1'b0;
    r271 = 1'b0;
    r272 = 1'b0;
    r273 = 1'b0;
    r274 = 1'b0;
    r275 = 1'b0;
    r276 = 1'b0;
    r277 = 1'b0;
    r278 = 1'b0;
    r279 = 1'b0;
    r280 = 1'b0;
    r281 = 1'b0;
    r282 = 1'b0;
  end
  always @(posedge clk)
    if (ce) begin
      r0 <= bits_0;
      r1 <= r0;
      r2 <= bits_1;
      r3 <= r2;
      r4 <= r3;
      r5 <= bits_2;
      r6 <= bits_3;
      r7 <= r6;
      r8 <= r7;
      r9 <= r8;
      r10 <= r9;
      r11 <= r10;
      r12 <= r11;
      r13 <= r12;
      r14 <= bits_4;
      r15 <= r14;
      r16 <= r15;
      r17 <= r16;
      r18 <= r17;
      r19 <= bits_5;
      r20 <= r19;
      r21 <= r20;
      r22 <= r21;
      r23 <= r22;
      r24 <= r23;
      r25 <= r24;
      r26 <= r25;
      r27 <= bits_6;
      r28 <= r27;
      r29 <= r28;
      r30 <= r29;
      r31 <= r30;
      r32 <= r31;
      r33 <= bits_7;
      r34 <= r33;
      r35 <= r34;
      r36 <= r35;
      r37 <= r36;
      r38 <= r37;
      r39 <= bits_8;
      r40 <= r39;
      r41 <= r40;
      r42 <= bits_10;
      r43 <= r42;
      r44 <= r43;
      r45 <= r44;
      r46 <= bits_11;
      r47 <= r46;
      r48 <= r47;
      r49 <= r48;
      r50 <= bits_12;
      r51 <= r50;
      r52 <= r51;
      r53 <= bits_13;
      r54 <= r53;
      r55 <= r54;
      r56 <= r55;
      r57 <= r56;
      r58 <= r57;
      r59 <= r58;
      r60 <= bits_14;
      r61 <= bits_15;
      r62 <= bits_16;
      r63 <= r62;
      r64 <= r63;
      r65 <= bits_17;
      r66 <= r65;
      r67 <= r66;
      r68 <= r67;
      r69 <= bits_18;
      r70 <= bits_19;
      r71 <= r70;
      r72 <= bits_20;
      r73 <= r72;
      r74 <= r73;
      r75 <= r74;
      r76 <= r75;
      r77 <= r76;
      r78 <= bits_21;
      r79 <= r78;
      r80 <= r79;
      r81 <= r80;
      r82 <= r81;
      r83 <= r82;
      r84 <= bits_22;
      r85 <= r84;
      r86 <= bits_23;
      r87 <= r86;
      r88 <= r87;
      r89 <= r88;
      r90 <= r89;
      r91 <= l1_0;
      r92 <= r91;
      r93 <= l1_1;
      r94 <= l1_2;
      r95 <= r94;
      r96 <= r95;
      r97 <= r96;
      r98 <= r97;
      r99 <= r98;
      r100 <= r99;
      r101 <= l1_3;
      r102 <= r101;
      r103 <= r102;
      r104 <= r103;
      r105 <= l1_6;
      r106 <= r105;
      r107 <= r106;
      r108 <= r107;
      r109 <= l1_7;
      r110 <= r109;
      r111 <= l1_8;
      r112 <= r111;
      r113 <= l1_12;
      r114 <= r113;
      r115 <= r114;
      r116 <= r115;
      r117 <= l1_13;
      r118 <= r117;
      r119 <= r118;
      r120 <= l1_16;
      r121 <= r120;
      r122 <= r121;
      r123 <= r122;
      r124 <= r123;
      r125 <= r124;
      r126 <= l1_17;
      r127 <= r126;
      r128 <= r127;
      r129 <= r128;
      r130 <= r129;
      r131 <= r130;
      r132 <= r131;
      r133 <= l1_4;
      r134 <= r133;
      r135 <= r134;
      r136 <= r135;
      r137 <= r136;
      r138 <= r137;
      r139 <= l1_5;
      r140 <= r139;
      r141 <= r140;
      r142 <= r141;
      r143 <= l1_9;
      r144 <= r143;
      r145 <= r144;
      r146 <= l1_10;
      r147 <= r146;
      r148 <= r147;
      r149 <= r148;
      r150 <= r149;
      r151 <= r150;
      r152 <= r151;
      r153 <= l1_14;
      r154 <= r153;
      r155 <= l1_15;
      r156 <= r155;
      r157 <= r156;
      r158 <= l1_11;
      r159 <= r158;
      r160 <= r159;
      r161 <= r160;
      r162 <= r161;
      r163 <= r162;
      r164 <= r163;
      r165 <= r164;
      r166 <= l1_21;
      r167 <= l1_22;
      r168 <= l1_23;
      r169 <= r168;
      r170 <= l1_25;
      r171 <= r170;
      r172 <= r171;
      r173 <= l1_26;
      r174 <= r173;
      r175 <= r174;
      r176 <= r175;
      r177 <= l1_27;
      r178 <= r177;
      r179 <= r178;
      r180 <= r179;
      r181 <= l1_28;
      r182 <= l1_18;
      r183 <= r182;
      r184 <= l1_29;
      r185 <= r184;
      r186 <= l1_19;
      r187 <= r186;
      r188 <= r187;
      r189 <= r188;
      r190 <= l1_20;
      r191 <= r190;
      r192 <= r191;
      r193 <= r192;
      r194 <= l1_24;
      r195 <= r194;
      r196 <= r195;
      r197 <= r196;
      r198 <= r197;
      r199 <= r198;
      r200 <= r199;
      r201 <= l1_34;
      r202 <= r201;
      r203 <= l1_35;
      r204 <= l1_37;
      r205 <= r204;
      r206 <= l1_38;
      r207 <= r206;
      r208 <= l1_39;
      r209 <= r208;
      r210 <= r209;
      r211 <= l1_30;
      r212 <= r211;
      r213 <= r212;
      r214 <= r213;
      r215 <= l1_31;
      r216 <= l1_36;
      r217 <= r216;
      r218 <= r217;
      r219 <= l1_40;
      r220 <= r219;
      r221 <= l1_32;
      r222 <= r221;
      r223 <= r222;
      r224 <= r223;
      r225 <= r224;
      r226 <= r225;
      r227 <= l1_33;
      r228 <= r227;
      r229 <= r228;
      r230 <= r229;
      r231 <= r230;
      r232 <= r231;
      r233 <= l1_41;
      r234 <= l1_43;
      r235 <= l1_42;
      r236 <= r235;
      r237 <= r236;
      r238 <= r237;
      r239 <= r238;
      r240 <= l1_44;
      r241 <= r240;
      r242 <= r241;
      r243 <= r242;
      r244 <= r243;
      r245 <= l1_45;
      r246 <= r245;
      r247 <= r246;
      r248 <= r247;
      r249 <= r248;
      r250 <= l1_46;
      r251 <= r250;
      r252 <= r251;
      r253 <= r252;
      r254 <= r253;
      r255 <= l1_48;
      r256 <= l1_50;
      r257 <= l1_47;
      r258 <= r257;
      r259 <= r258;
      r260 <= r259;
      r261 <= l1_49;
      r262 <= r261;
      r263 <= r262;
      r264 <= r263;
      r265 <= l1_51;
      r266 <= r265;
      r267 <= r266;
      r268 <= r267;
      r269 <= l1_52;
      r270 <= r269;
      r271 <= r270;
      r272 <= l1_53;
      r273 <= r272;
      r274 <= r273;
      r275 <= l1_54;
      r276 <= r275;
      r277 <= r276;
      r278 <= l1_55;
      r279 <= r278;
      r280 <= l1_56;
      r281 <= r280;
      r282 <= l1_57;
    end
  assign outputs[0] = r165;  // from here: class 0 "a \"quoted\" \\ one"
  assign outputs[1] = r239;
  assign outputs[2] = r260;
  assign outputs[3] = r200;
  assign outputs[4] = r271;
  assign outputs[5] = r274;
  assign outputs[6] = r277;  // from here: class 1 "*\/ ??/ <b>"
  assign outputs[7] = r226;
  assign outputs[8] = r232;
  assign outputs[9] = r244;
  assign outputs[10] = r279;
  assign outputs[11] = r264;
  assign outputs[12] = r249;  // from here: class 2 "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
  assign outputs[13] = r254;
  assign outputs[14] = r281;
  assign outputs[15] = r268;
  assign outputs[16] = r282;
  assign outputs[17] = r268;
  assign outputs[18] = r282;  // from here: class 3 ""
  assign outputs[19] = r13;
  assign outputs[20] = l0_1;
  assign outputs[21] = l0_0;
  assign outputs[22] = r26;
  assign outputs[23] = r26;
endmodule

module tiny (
  input wire clk,
  input wire ce,
  input wire [23:0] bits,
  output wire [23:0] outputs
);
  // For who reads this file: nothing in it uses them.
  // verilator lint_off UNUSEDPARAM
  localparam integer CLASS_A_QUOTED_ONE = 0;  // "a \"quoted\" \\ one"
  localparam integer CLASS_B = 1;  // "*\/ ??/ <b>"
  localparam integer CLASS_N_C_D = 2;  // "\u00fcn\u00efc\u00f6d\u00e9\n\t\u007f"
  localparam integer CLASS_3 = 3;  // ""
  // verilator lint_on UNUSEDPARAM
  tiny_network u_network (.clk(clk), .ce(ce), .bits(bits), .outputs(outputs));
endmodule
// verilator lint_on DECLFILENAME
